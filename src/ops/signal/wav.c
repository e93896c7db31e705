/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DecodeWav and EncodeWav: RIFF files of 16 bit PCM, to floats in [-1, 1) and back. The file comes
 * from outside: every read is checked against its end.
 */
#include <math.h>

#include "ops/kernel.h"

struct reader {
    struct span bytes;
    size_t at;
};

static enum code too_short(struct error *err)
{
    return error_set(err, CODE_INVALID_ARGUMENT, "Data too short when trying to read string");
}

static enum code take(struct reader *r, size_t count, struct span *out, struct error *err)
{
    if (r->at > r->bytes.len || count > r->bytes.len - r->at)
        return too_short(err);
    *out = span_sub(r->bytes, r->at, count);
    r->at += count;
    return CODE_OK;
}

/* A little-endian number of 2 or 4 bytes. */
static enum code take_number(struct reader *r, size_t size, uint32_t *value, struct error *err)
{
    struct span bytes;
    enum code code = take(r, size, &bytes, err);
    *value = 0;
    for (size_t i = 0; !code && i < size; i++)
        *value |= (uint32_t)(unsigned char)bytes.ptr[i] << (8 * i);
    return code;
}

static enum code expect(struct reader *r, const char *text, struct error *err)
{
    struct span found;
    enum code code = take(r, strlen(text), &found, err);
    if (code || span_is(found, text))
        return code;
    return error_set(err, CODE_INVALID_ARGUMENT, "Header mismatch: Expected %s but found %.*s",
                     text, SPAN_ARG(found));
}

struct wav {
    uint32_t channels;
    uint32_t sample_rate;
    struct span samples; /* 2 bytes each, channels side by side */
};

/* ---- the header ---- */

static bool may_be_skipped(struct span id)
{
    static const char *const ids[] = {"JUNK", "bext", "iXML", "qlty",
                                      "mext", "levl", "link", "axml"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        if (span_is(id, ids[i]))
            return true;
    }
    return false;
}

/* To behind the id of the format chunk. */
static enum code find_format(struct reader *r, struct error *err)
{
    struct span id, rest;
    uint32_t size;
    enum code code = take(r, 4, &id, err);
    while (!code && !span_is(id, "fmt ")) {
        if (!may_be_skipped(id))
            return error_set(err, CODE_INVALID_ARGUMENT, "Unexpected field %.*s", SPAN_ARG(id));
        code = take_number(r, 4, &size, err);
        if (!code)
            code = take(r, size, &rest, err);
        if (!code)
            code = take(r, 4, &id, err);
    }
    return code;
}

struct format {
    uint32_t size, audio, channels, rate, bytes_per_second, bytes_per_sample, bits;
};

static enum code read_format(struct reader *r, struct format *f, struct error *err)
{
    const struct {
        size_t size;
        uint32_t *value;
    } fields[] = {{4, &f->size},
                  {2, &f->audio},
                  {2, &f->channels},
                  {4, &f->rate},
                  {4, &f->bytes_per_second},
                  {2, &f->bytes_per_sample},
                  {2, &f->bits}};
    enum code code = CODE_OK;
    for (size_t i = 0; !code && i < sizeof fields / sizeof *fields; i++) {
        code = take_number(r, fields[i].size, fields[i].value, err);
        if (!code && i == 0 && f->size != 16 && f->size != 18)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Bad format chunk size for WAV: Expected 16 or 18, but got%u",
                             f->size);
        if (!code && i == 1 && f->audio != 1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Bad audio format for WAV: Expected 1 (PCM), but got%u", f->audio);
        if (!code && i == 2 && f->channels < 1)
            return error_set(err, CODE_INVALID_ARGUMENT,
                             "Bad number of channels for WAV: Expected at least 1, but got %u",
                             f->channels);
    }
    return code;
}

static enum code check_format(const struct format *f, struct error *err)
{
    if (f->bits != 16)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Can only read 16-bit WAV files, but received %u", f->bits);
    if (f->bytes_per_sample != 2 * f->channels)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Bad bytes per sample in WAV header: Expected %u but got %u",
                         2 * f->channels, f->bytes_per_sample);
    uint32_t expected = f->bytes_per_sample * f->rate;
    if (f->bytes_per_second == expected)
        return CODE_OK;
    return error_set(err, CODE_INVALID_ARGUMENT,
                     "Bad bytes per second in WAV header: Expected %u but got %u (sample_rate=%u, "
                     "bytes_per_sample=%u)",
                     expected, f->bytes_per_second, f->rate, f->bytes_per_sample);
}

/* ---- the chunks behind it ---- */

static enum code read_chunk(struct reader *r, struct wav *wav, bool *found, struct error *err)
{
    struct span id, bytes;
    uint32_t size;
    enum code code = take(r, 4, &id, err);
    if (!code)
        code = take_number(r, 4, &size, err);
    if (code)
        return code;
    if (size > INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "WAV data chunk '%.*s' is too large: %u bytes, but the limit is %d",
                         SPAN_ARG(id), size, INT32_MAX);
    if (!span_is(id, "data")) {
        r->at += size; /* beyond the end is the end */
        return CODE_OK;
    }
    if (*found)
        return error_set(err, CODE_INVALID_ARGUMENT, "More than one data chunk found in WAV");
    *found = true;
    size_t frame = 2 * (size_t)wav->channels;
    code = take(r, size / frame * frame, &bytes, err);
    wav->samples = bytes;
    return code;
}

static enum code read_wav(struct span file, struct wav *wav, struct error *err)
{
    struct reader r = {.bytes = file};
    struct format format = {0};
    struct span skipped;
    bool found = false;
    *wav = (struct wav){0};
    enum code code = expect(&r, "RIFF", err);
    if (!code)
        code = take(&r, 4, &skipped, err);
    if (!code)
        code = expect(&r, "WAVE", err);
    if (!code)
        code = find_format(&r, err);
    if (!code)
        code = read_format(&r, &format, err);
    if (!code)
        code = check_format(&format, err);
    r.at += format.size == 18 ? 2 : 0;
    wav->channels = format.channels;
    wav->sample_rate = format.rate;
    while (!code && r.at < file.len)
        code = read_chunk(&r, wav, &found, err);
    if (!code && !found)
        return error_set(err, CODE_INVALID_ARGUMENT, "No data chunk found in WAV");
    return code;
}

static float sample_at(const struct wav *wav, int64_t i)
{
    const unsigned char *at = (const unsigned char *)wav->samples.ptr + 2 * i;
    return (float)(int16_t)(uint16_t)(at[0] | at[1] << 8) / 32768.0f;
}

/* How many there shall be: what the attribute says, -1: as many as there are. */
static enum code desired(const struct op_call *call, const char *name, int64_t there,
                         int64_t *count, struct error *err)
{
    int64_t wanted = op_attr_int(call, name);
    if (wanted < -1 || wanted > INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "%s must be >= -1, got %lld", name,
                         (long long)wanted);
    *count = wanted == -1 ? there : wanted;
    return CODE_OK;
}

/* contents [] -> audio [samples, channels], sample_rate []. */
static enum code decode_run(struct op_call *call, struct error *err)
{
    char text[SHAPE_TEXT_SIZE];
    struct wav wav;
    int64_t channels, samples;
    if (call->in[0]->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "contents must be scalar, got shape %s",
                         shape_text(&call->in[0]->shape, text));
    enum code code = read_wav(*TENSOR_AT(call->in[0], struct span), &wav, err);
    if (code)
        return code;
    int64_t there = (int64_t)wav.samples.len / 2 / wav.channels;
    code = desired(call, "desired_channels", wav.channels, &channels, err);
    if (!code)
        code = desired(call, "desired_samples", there, &samples, err);
    if (code)
        return code;
    struct shape shape = {2, {samples, channels}}, scalar = shape_scalar();
    code = op_call_alloc(call, 0, &shape, err);
    if (!code)
        code = op_call_alloc(call, 1, &scalar, err);
    if (code)
        return code;
    float *out = call->out[0]->data;
    for (int64_t i = 0; i < samples; i++) {
        for (int64_t c = 0; c < channels; c++) {
            int64_t from = c < wav.channels ? c : wav.channels - 1;
            *out++ = i < there ? sample_at(&wav, i * wav.channels + from) : 0;
        }
    }
    *TENSOR_AT(call->out[1], int32_t) = (int32_t)wav.sample_rate;
    return CODE_OK;
}

/* ---- encoding ---- */

static char *put(char *to, uint32_t value, int size)
{
    for (int i = 0; i < size; i++)
        *to++ = (char)(value >> (8 * i));
    return to;
}

static char *put_text(char *to, const char *text)
{
    memcpy(to, text, 4);
    return to + 4;
}

static void write_header(char *to, uint32_t rate, uint32_t channels, uint32_t bytes)
{
    to = put_text(to, "RIFF");
    to = put(to, 36 + bytes, 4);
    to = put_text(put_text(to, "WAVE"), "fmt ");
    to = put(put(to, 16, 4), 1, 2);
    to = put(put(to, channels, 2), rate, 4);
    to = put(put(to, rate * 2 * channels, 4), 2 * channels, 2);
    to = put_text(put(to, 16, 2), "data");
    put(to, bytes, 4);
}

static int16_t sample_of(float value)
{
    float scaled = roundf(value * 32768.0f);
    scaled = scaled > -32768.0f ? scaled : -32768.0f; /* and for NaN */
    return (int16_t)(scaled < 32767.0f ? scaled : 32767.0f);
}

static enum code check_encode(const struct op_call *call, struct error *err)
{
    const struct tensor *audio = call->in[0], *rate = call->in[1];
    char text[SHAPE_TEXT_SIZE];
    if (audio->shape.rank != 2)
        return error_set(err, CODE_INVALID_ARGUMENT, "audio must be 2-dimensional%s",
                         shape_text(&audio->shape, text));
    if (rate->shape.rank != 0)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Input sample_rate should be a scalar tensor, got %s instead.",
                         shape_text(&rate->shape, text));
    int32_t number = *TENSOR_AT(rate, int32_t);
    int64_t channels = audio->shape.dims[1];
    if (audio->shape.dims[0] > INT32_MAX || channels > INT32_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Cannot encode audio with >= 2^31 frames or channels");
    if (number <= 0)
        return error_set(err, CODE_INVALID_ARGUMENT, "sample_rate must be in (0, 2^32), got: %llu",
                         (unsigned long long)(int64_t)number);
    if (channels == 0 || channels > UINT16_MAX)
        return error_set(err, CODE_INVALID_ARGUMENT, "num_channels must be in (0, 2^16), got: %lld",
                         (long long)channels);
    if (tensor_elements(audio) > (UINT32_MAX - 44) / 2)
        return error_set(err, CODE_INVALID_ARGUMENT,
                         "Provided channels and frames cannot be encoded as a WAV.");
    return CODE_OK;
}

/* audio [samples, channels], sample_rate [] -> contents []. */
static enum code encode_run(struct op_call *call, struct error *err)
{
    struct shape scalar = shape_scalar();
    enum code code = check_encode(call, err);
    if (!code)
        code = op_call_alloc(call, 0, &scalar, err);
    if (code)
        return code;
    int64_t n = tensor_elements(call->in[0]);
    size_t size = 44 + 2 * (size_t)n;
    char *bytes = arena_try_alloc(call->arena, size, 1);
    if (!bytes)
        return error_set(err, CODE_RESOURCE_EXHAUSTED, "OOM for a WAV file of %zu bytes", size);
    write_header(bytes, (uint32_t)*TENSOR_AT(call->in[1], int32_t),
                 (uint32_t)call->in[0]->shape.dims[1], 2 * (uint32_t)n);
    for (int64_t i = 0; i < n; i++)
        put(bytes + 44 + 2 * i, (uint16_t)sample_of(TENSOR_AT(call->in[0], float)[i]), 2);
    *TENSOR_AT(call->out[0], struct span) = span_make(bytes, size);
    return CODE_OK;
}

const struct op op_DecodeWav = {
    .name = "DecodeWav",
    .inputs = "contents:string",
    .outputs = "audio:float sample_rate:int32",
    .attrs = "desired_channels:int=-1 desired_samples:int=-1",
    .flags = OP_DYNAMIC,
    .run = decode_run,
};

const struct op op_EncodeWav = {
    .name = "EncodeWav",
    .inputs = "audio:float sample_rate:int32",
    .outputs = "contents:string",
    .attrs = "",
    .flags = OP_DYNAMIC,
    .run = encode_run,
};
