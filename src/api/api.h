/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct api: what all calls share. A call comes in as a struct exchange on a loop thread; it is
 * read, its model found, answered: there and then when that is quick, on a worker otherwise.
 */
#ifndef API_API_H
#define API_API_H

#include "base/worker.h"
#include "core/server_core.h"
#include "net/server.h"
#include "wire/messages.h"

enum {
    API_LARGE = 64 << 10, /* bytes of a request that are too many to be read on a loop */
};

/* pb_model_spec.version_choice_case: the numbers of its fields. */
enum {
    API_SPEC_VERSION = 2,
    API_SPEC_LABEL = 4,
};

/* Where Predict ran, for the metrics page and tests. */
struct api_counters {
    struct shard_counter on_loop;
    struct shard_counter on_worker;
};

/* Where the server is in its life; set by whoever runs it. */
struct api_life {
    atomic_bool started; /* the first models have come up */
    atomic_bool ending;
};

struct api {
    struct server_core *core;     /* borrowed, like the next two */
    struct worker_pool *workers;  /* of requests */
    struct worker_pool *reloads;  /* of configurations: each waits for its models; and of pages */
    struct api_life *life;        /* borrowed */
    struct health_watch *watch;   /* borrowed; who waits for a change of health */
    struct waiting_room *waiting; /* borrowed; who waits for a model that is not in memory */
    const char *metrics_path;     /* of the page with metrics; NULL: none */
    struct request_logs *logs;    /* borrowed; NULL: none */
    struct log_file *access_log;  /* borrowed; NULL: none */
    atomic_int watched;        /* how many want to know how long things take: page, log, profile */
    bool tells_state;          /* UNAVAILABLE for a model that is not ready yet, not NOT_FOUND */
    bool tensor_content;       /* answer with TensorProto.tensor_content over gRPC */
    struct access *access;     /* borrowed; NULL: anybody may ask anything */
    struct profiler *profiler; /* borrowed; NULL: none */
    bool cors;                 /* let other origins' scripts use the REST API */
    int64_t rest_timeout_us;   /* of a model's run over REST; <= 0: none */
    struct api_counters *counters; /* borrowed */
    const struct net_server *net;  /* borrowed; what the calls come from */
};

/* The rows for net_options.rpcs, and its `http`; their context is the struct api. */
extern const struct net_rpc api_rpcs[];
size_t api_rpc_count(const struct api *api);

/* As net_options.admit, where there is an access. */
enum code api_admit(struct exchange *exchange, void *context, struct error *err);

/* Answers an RPC with a message, with the bytes of one (in the exchange's arena), or with an
 * error's code and text (copied). */
void api_answer(struct exchange *exchange, const struct pb_message *type, const void *message);
void api_answer_bytes(struct exchange *exchange, struct span message);
void api_answer_error(struct exchange *exchange, const struct error *err);

#endif
