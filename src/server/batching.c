/* SPDX-License-Identifier: Apache-2.0 */
#include "server/batching.h"

#include "base/cpu.h"
#include "base/log.h"
#include "wire/config_text.h"
#include "wire/messages.h"

enum code batching_begin(const struct pb_batching_parameters *message, bool per_model,
                         const char *default_name, struct arena *arena,
                         struct batching_options *batching, struct error *err)
{
    const struct pb_string_value *name = message->thread_pool_name;
    int64_t threads = message->num_batch_threads ? message->num_batch_threads->value : cpu_count();
    enum code code =
        per_model ? CODE_OK : batching_parameters_read(message, &batching->parameters, err);
    if (code)
        return code;
    batching->per_model = per_model;
    return batch_scheduler_new(name ? arena_strdup(arena, name->value) : default_name, threads,
                               &batching->scheduler, err);
}

enum code batching_begin_by_flags(const struct options *o, struct arena *arena,
                                  struct batching_options *batching, struct error *err)
{
    struct pb_batching_parameters *message = ARENA_NEW(arena, struct pb_batching_parameters);
    const char *file = o->batching_parameters_file;
    enum code code = CODE_OK;
    if (!o->enable_batching) {
        if (o->enable_per_model_batching_parameters)
            log_info("--enable_per_model_batching_parameters has no effect without "
                     "--enable_batching");
        return CODE_OK;
    }
    if (file[0])
        code = config_text_read(file, &pb_batching_parameters_type, arena, message, err);
    if (code)
        return code;
    return batching_begin(message, o->enable_per_model_batching_parameters,
                          file[0] ? "batch_threads" : "model_server_batch_threads", arena, batching,
                          err);
}

void batching_hurry(struct batching_options *batching)
{
    if (batching->scheduler)
        batch_scheduler_hurry(batching->scheduler);
}

void batching_end(struct batching_options *batching)
{
    batch_scheduler_free(batching->scheduler);
    batching->scheduler = NULL;
}
