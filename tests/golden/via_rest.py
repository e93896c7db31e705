# SPDX-License-Identifier: Apache-2.0
"""Requests as JSON, and JSON answers as responses: for replaying answers over REST."""
import base64
import json

import numpy as np

import support

NUMBERS = {1: ("float_val", np.float32), 2: ("double_val", np.float64), 3: ("int_val", np.int32), 4: ("int_val", np.uint8),
           5: ("int_val", np.int16), 6: ("int_val", np.int8), 9: ("int64_val", np.int64), 10: ("bool_val", np.bool_),
           17: ("int_val", np.uint16), 22: ("uint32_val", np.uint32), 23: ("uint64_val", np.uint64)}
STRING = 7
CODES = {400: ("INVALID_ARGUMENT", "OUT_OF_RANGE", "FAILED_PRECONDITION"), 404: ("NOT_FOUND",), 429: ("RESOURCE_EXHAUSTED",),
         500: ("INTERNAL", "UNKNOWN", "DATA_LOSS"), 501: ("UNIMPLEMENTED",), 503: ("UNAVAILABLE",), 504: ("DEADLINE_EXCEEDED",)}


class NotJson(Exception):
    """JSON has no way to say it."""


def _nested(proto):
    """A TensorProto as (nested) lists; what is not whole, or has no elements, can not be said."""
    shape = [d.size for d in proto.tensor_shape.dim]
    count = int(np.prod(shape, dtype=np.int64))
    if proto.tensor_shape.unknown_rank or count == 0:
        raise NotJson("no elements")
    if proto.dtype == STRING:
        values = [{"b64": base64.b64encode(s).decode()} for s in proto.string_val]
    elif proto.dtype in NUMBERS:
        field, dtype = NUMBERS[proto.dtype]
        values = (np.frombuffer(proto.tensor_content, dtype) if proto.tensor_content else np.array(getattr(proto, field))).tolist()
    else:
        raise NotJson(f"dtype {proto.dtype}")
    if len(values) != count:
        raise NotJson("values and shape do not agree")
    array = np.empty(count, object)
    array[:] = values
    return array.reshape(shape).tolist() if shape else values[0]


def body_of(request, declared):
    """The JSON text. `declared`: the signature's inputs, alias to dtype; what has another dtype can not be said."""
    if set(request.inputs) != set(declared) or request.output_filter or not declared:
        raise NotJson("other inputs than the signature's")
    for alias, proto in request.inputs.items():
        if proto.dtype != declared[alias]:
            raise NotJson("another dtype")
    body = {"inputs": {alias: _nested(proto) for alias, proto in request.inputs.items()}}
    if request.model_spec.signature_name:
        body["signature_name"] = request.model_spec.signature_name
    return json.dumps(body)


def _flat(value):
    """(shape, values) of nested lists."""
    shape, values = [], [value]
    while values and isinstance(values[0], list):
        shape.append(len(values[0]))
        values = [v for row in values for v in row]
    return shape, values


def _bytes(value):
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else value.encode("utf-8", "surrogateescape")


def _fill(proto, value, like):
    """The value as a tensor of the shape that `like` has where JSON can not tell (no elements)."""
    shape, values = _flat(value)
    wanted = [d.size for d in like.tensor_shape.dim]
    if not values and 0 in wanted:
        shape = wanted
    proto.dtype = like.dtype
    for size in shape:
        proto.tensor_shape.dim.add().size = size
    if like.dtype == STRING:
        proto.string_val.extend(_bytes(v) for v in values)
    else:
        field, dtype = NUMBERS[like.dtype]
        getattr(proto, field).extend(np.array(values, np.float64 if like.dtype < 3 else dtype).astype(dtype).tolist())


def answer_of(body, status, like):
    """Bytes of a PredictResponse, with the dtypes of `like` (another one), or (code, message)."""
    answer = json.loads(body.decode("utf-8", "surrogateescape"))
    if status != 200:
        return CODES.get(status, ("?",)), answer["error"]
    outputs = answer["outputs"]
    if len(like.outputs) == 1:
        outputs = {next(iter(like.outputs)): outputs}
    response = support.pb("predict").PredictResponse()
    response.model_spec.CopyFrom(like.model_spec)
    for alias, value in outputs.items():
        _fill(response.outputs[alias], value, like.outputs[alias])
    return response.SerializeToString()


def _feature(feature):
    kind = feature.WhichOneof("kind")
    values = list(getattr(feature, kind).value) if kind else []
    if kind and not values:
        raise NotJson("an empty list of some kind")
    return [{"b64": base64.b64encode(v).decode()} for v in values] if kind == "bytes_list" else values


def _example(example):
    return {name: _feature(feature) for name, feature in example.features.feature.items()}


def examples_of(request):
    """The JSON text of a ClassificationRequest or RegressionRequest."""
    kind = request.input.WhichOneof("kind")
    if not kind or not getattr(request.input, kind).examples:
        raise NotJson("no examples")
    given = getattr(request.input, kind)
    body = {"examples": [_example(e) for e in given.examples]}
    if kind == "example_list_with_context":
        body["context"] = _example(given.context)
    if request.model_spec.signature_name:
        body["signature_name"] = request.model_spec.signature_name
    return json.dumps(body)


def results_of(body, status, like):
    """Bytes of a response like `like`, or (code, message)."""
    answer = json.loads(body.decode("utf-8", "surrogateescape"))
    if status != 200:
        return CODES.get(status, ("?",)), answer["error"]
    response = type(like)()
    response.model_spec.CopyFrom(like.model_spec)
    for item in answer["results"]:
        if isinstance(item, list):
            classes = response.result.classifications.add().classes
            for label, score in item:
                classes.add(label=label, score=score)
        else:
            response.result.regressions.add(value=item)
    return response.SerializeToString()
