/* SPDX-License-Identifier: Apache-2.0 */
#include "api/metrics_page.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "api/served.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mappings.h"
#include "base/memory.h"
#include "monitoring/log_file.h"

/* ---- gauges without labels, and the like ---- */

static double resident_bytes(void)
{
    return (double)memory_resident();
}

static double open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = -3; /* ".", "..", and the folder itself */
    if (!folder)
        return 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static double cpu_seconds(void)
{
    return (double)clock_process_cpu_ns() / 1e9;
}

static double memory_used_bytes(void)
{
    return (double)memory_used();
}

static double memory_spare_bytes(void)
{
    return (double)memory_spare();
}

static double memory_budget_bytes(void)
{
    return (double)memory_budget();
}

static double request_limit_bytes(void)
{
    return (double)memory_request_limit();
}

static struct {
    double (*value)(void);
    struct metric_family family;
} process[] = {
    {resident_bytes,
     {.name = "process_resident_memory_bytes",
      .help = "Resident memory, with the files that are mapped.",
      .kind = METRIC_GAUGE}},
    {cpu_seconds,
     {.name = "process_cpu_seconds_total",
      .help = "CPU time of all threads, user and system.",
      .kind = METRIC_COUNTER}},
    {open_files,
     {.name = "process_open_fds", .help = "Open file descriptors.", .kind = METRIC_GAUGE}},
    {memory_used_bytes,
     {.name = "tensord_memory_used_bytes",
      .help = "Large blocks of requests and models, which count against the budget.",
      .kind = METRIC_GAUGE}},
    {memory_spare_bytes,
     {.name = "tensord_memory_spare_bytes",
      .help = "Large blocks that the last requests left for the next.",
      .kind = METRIC_GAUGE}},
    {memory_budget_bytes,
     {.name = "tensord_memory_budget_bytes",
      .help = "What these may come to; a request that needs more is refused.",
      .kind = METRIC_GAUGE}},
    {request_limit_bytes,
     {.name = "tensord_request_memory_limit_bytes",
      .help = "What one request may hold.",
      .kind = METRIC_GAUGE}},
};

static void tell_process(struct scrape *scrape)
{
    for (size_t i = 0; i < sizeof process / sizeof *process; i++)
        scrape_number(scrape, &process[i].family, NULL, process[i].value());
}

/* ---- versions ---- */

static struct metric_family versions = {
    .name = "tensord_model_versions",
    .help = "Versions of each model, by their state.",
    .kind = METRIC_GAUGE,
    .labels = {"model", "state"},
};

static void tell_versions(const struct api *api, struct scrape *scrape)
{
    struct span *models;
    struct arena *arena = scrape_arena(scrape);
    size_t count = state_monitor_names(api->core->monitor, arena, &models);
    for (size_t i = 0; i < count; i++) {
        struct version_state *states;
        int64_t sums[STATE_COUNT] = {0};
        size_t state_count = state_monitor_get(api->core->monitor, models[i], arena, &states);
        for (size_t k = 0; k < state_count; k++)
            sums[states[k].state]++;
        for (int state = 0; state < STATE_COUNT; state++) {
            const struct span values[] = {models[i], span_of(state_name(state))};
            scrape_number(scrape, &versions, values, (double)sums[state]);
        }
    }
}

/* ---- what is in memory ---- */

static struct metric_family load_duration = {
    .name = "tensord_model_load_duration_seconds",
    .help = "How long the stages of loading a version took.",
    .kind = METRIC_GAUGE,
    .labels = {"model", "version", "stage"},
};
static struct metric_family estimate = {
    .name = "tensord_model_memory_estimate_bytes",
    .help = "What a version in memory counts for under the model memory limit.",
    .kind = METRIC_GAUGE,
    .labels = {"model", "version"},
};
static struct metric_family mapped = {
    .name = "tensord_model_mapped_bytes",
    .help = "A version's files that are mapped.",
    .kind = METRIC_GAUGE,
    .labels = {"model", "version"},
};
static struct metric_family mapped_resident = {
    .name = "tensord_model_mapped_resident_bytes",
    .help = "What of a version's mapped files is in memory.",
    .kind = METRIC_GAUGE,
    .labels = {"model", "version"},
};

/* TensorFlow Serving's: a gauge of texts, which its page prints as 0. The text stands in the file.
 */
static struct metric_family mlmd_map = {
    .name = "/tensorflow/serving/mlmd_map",
    .kind = METRIC_GAUGE,
    .labels = {"model_name", "version"},
};

struct in_memory {
    struct manager_version *versions;
    struct span *folders; /* of each, with a slash behind */
    int64_t *mapped;
    int64_t *resident;
    size_t count;
};

static void add_mapping(struct span path, int64_t bytes, int64_t resident, void *context)
{
    const struct in_memory *loaded = context;
    for (size_t i = 0; i < loaded->count; i++) {
        if (span_starts_with(path, loaded->folders[i])) {
            loaded->mapped[i] += bytes;
            loaded->resident[i] += resident;
        }
    }
}

static void tell_version(const struct in_memory *loaded, size_t i, struct scrape *scrape)
{
    const struct manager_version *v = &loaded->versions[i];
    const char *number = arena_printf(scrape_arena(scrape), "%lld", (long long)v->id.version);
    struct span values[] = {v->id.name, span_of(number), {0}};
    scrape_number(scrape, &estimate, values, (double)v->estimate);
    scrape_number(scrape, &mapped, values, (double)loaded->mapped[i]);
    scrape_number(scrape, &mapped_resident, values, (double)loaded->resident[i]);
    if (!access(arena_printf(scrape_arena(scrape), "%s/assets.extra/mlmd_uuid", v->path), F_OK))
        scrape_number(scrape, &mlmd_map, values, 0);
    for (int stage = PROGRESS_BEGIN + 1; stage < PROGRESS_STAGES; stage++) {
        values[2] = span_of(progress_stage_name((enum progress_stage)stage));
        scrape_number(scrape, &load_duration, values,
                      (double)atomic_load(&v->load.took_us[stage]) / 1e6);
    }
}

static void tell_loaded(const struct api *api, struct scrape *scrape)
{
    struct arena *arena = scrape_arena(scrape);
    struct in_memory loaded = {0};
    loaded.count = manager_list(api->core->manager, arena, &loaded.versions);
    loaded.folders = ARENA_ARRAY(arena, struct span, loaded.count + 1);
    loaded.mapped = ARENA_ARRAY(arena, int64_t, loaded.count + 1);
    loaded.resident = ARENA_ARRAY(arena, int64_t, loaded.count + 1);
    for (size_t i = 0; i < loaded.count; i++)
        loaded.folders[i] = span_of(arena_printf(arena, "%s/", loaded.versions[i].path));
    mappings_read(add_mapping, &loaded);
    metric_register(&mlmd_map);
    for (size_t i = 0; i < loaded.count; i++)
        tell_version(&loaded, i, scrape);
}

/* ---- the network ---- */

static struct {
    size_t member; /* of struct net_stats */
    struct metric_family family;
} network[] = {
    {offsetof(struct net_stats, open),
     {.name = "tensord_connections",
      .help = "Open connections.",
      .kind = METRIC_GAUGE,
      .labels = {"protocol"}}},
    {offsetof(struct net_stats, accepted),
     {.name = "tensord_connections_accepted_total",
      .help = "Connections that were accepted.",
      .kind = METRIC_COUNTER,
      .labels = {"protocol"}}},
    {offsetof(struct net_stats, in),
     {.name = "tensord_network_receive_bytes_total",
      .help = "Bytes read from connections.",
      .kind = METRIC_COUNTER,
      .labels = {"protocol"}}},
    {offsetof(struct net_stats, out),
     {.name = "tensord_network_transmit_bytes_total",
      .help = "Bytes written to connections.",
      .kind = METRIC_COUNTER,
      .labels = {"protocol"}}},
};
static struct metric_family in_flight = {
    .name = "tensord_requests_in_flight",
    .help = "Requests that have come and are not answered yet.",
    .kind = METRIC_GAUGE,
};

static void tell_network(const struct api *api, struct scrape *scrape)
{
    static const char *const protocols[NET_PROTOCOLS] = {[NET_GRPC] = "grpc", [NET_HTTP] = "rest"};
    struct net_stats stats[NET_PROTOCOLS];
    int64_t waiting;
    net_server_stats(api->net, stats, &waiting);
    scrape_number(scrape, &in_flight, NULL, (double)waiting);
    for (size_t i = 0; i < sizeof network / sizeof *network; i++) {
        for (int k = 0; k < NET_PROTOCOLS; k++) {
            struct span protocol = span_of(protocols[k]);
            const char *member = (const char *)&stats[k] + network[i].member;
            scrape_number(scrape, &network[i].family, &protocol, (double)*(const int64_t *)member);
        }
    }
}

/* ---- logs ---- */

static struct metric_family dropped_lines = {
    .name = "tensord_access_log_dropped_lines_total",
    .help = "Lines of the access log that could not be written as fast as they came.",
    .kind = METRIC_COUNTER,
};

/* ---- the page ---- */

struct scrape *metrics_scrape(const struct api *api, struct arena *arena)
{
    struct scrape *scrape = scrape_new(arena);
    tell_process(scrape);
    tell_versions(api, scrape);
    tell_loaded(api, scrape);
    tell_network(api, scrape);
    served_scrape(scrape);
    if (api->access_log)
        scrape_number(scrape, &dropped_lines, NULL, (double)log_file_dropped(api->access_log));
    return scrape;
}

struct page_call {
    struct job job; /* first */
    const struct api *api;
    struct exchange *exchange;
};

static void make_page(struct job *job)
{
    const struct page_call *call = (const struct page_call *)job;
    struct exchange *exchange = call->exchange;
    struct scrape *scrape = metrics_scrape(call->api, &exchange->arena);
    enum scrape_format format = scrape_format_of(exchange_header(exchange, "accept"));
    const struct exchange_header type = {SPAN_LITERAL("Content-Type"), scrape_content_type(format)};
    struct span text = scrape_print(scrape, format);
    exchange_answer_http(exchange, 200, &type, 1, &text, 1);
}

void api_metrics(const struct api *api, struct exchange *exchange)
{
    struct page_call *call = ARENA_NEW(&exchange->arena, struct page_call);
    *call = (struct page_call){.job = {.fn = make_page}, .api = api, .exchange = exchange};
    /* When all workers are busy somebody will want to see that. */
    worker_pool_submit(api->reloads, &call->job);
}
