# SPDX-License-Identifier: Apache-2.0
"""TFLite models made by hand, operator by operator, and what the interpreter answers."""
import flatbuffers
import numpy as np
import tensorflow as tf
from tensorflow.lite.python import schema_py_generated as schema

TYPES = {"float32": 0, "float16": 1, "int32": 2, "uint8": 3, "int64": 4, "object": 5, "bool": 6, "int16": 7, "complex64": 8, "int8": 9,
         "float64": 10, "uint32": 15, "uint16": 16}
RESOURCE = 13
rng = np.random.default_rng(11)


def reals(*shape, low=-2.0, high=2.0):
    return rng.uniform(low, high, shape).astype(np.float32)


def ints(*shape, low=-9, high=10, dtype=np.int32):
    return rng.integers(low, high, shape).astype(dtype)


def strings(*texts):
    return np.array(texts, dtype=object)


def packed(texts):
    """TFLite's form of strings: how many, where each begins, where the last one ends, the bytes."""
    texts = [t.encode() for t in texts.ravel().tolist()]
    at = 4 * (len(texts) + 2)
    ends = [at + sum(map(len, texts[:i])) for i in range(len(texts) + 1)]
    return np.array([len(texts), *ends], np.int32).tobytes() + b"".join(texts)


def grid(scale, zero=0, dim=0):
    """Quantisation: one scale, or one for each index of a dimension."""
    q = schema.QuantizationParametersT()
    q.scale = np.atleast_1d(np.float32(scale))
    q.zeroPoint = np.broadcast_to(np.int64(zero), q.scale.shape).copy()
    q.quantizedDimension = dim
    return q


class Graph:
    """A subgraph. Tensors are their numbers."""
    def __init__(self, model):
        self.model, self.t = model, schema.SubGraphT()
        self.t.tensors, self.t.operators, self.t.inputs, self.t.outputs, self.t.name = [], [], [], [], b"main"

    def tensor(self, dtype, shape=(), data=None, q=None, name=None, variable=False):
        t = schema.TensorT()
        t.type = dtype if isinstance(dtype, int) else TYPES[np.dtype(dtype).name]
        t.shape, t.name = np.int32(shape), (name or f"t{len(self.t.tensors)}").encode()
        t.buffer, t.quantization, t.isVariable = 0, q, variable
        if data is not None:
            t.buffer = self.model.buffer(packed(data) if data.dtype == object else data.tobytes())
        self.t.tensors.append(t)
        return len(self.t.tensors) - 1

    def input(self, name, array, q=None, shape=None):
        number = self.tensor(array.dtype, array.shape if shape is None else shape, q=q, name=name)
        self.t.inputs.append(number)
        return number

    def const(self, array, q=None):
        array = np.asarray(array)
        return self.tensor(array.dtype, array.shape, array, q)

    def op(self, name, inputs, dtypes, options=None, q=None, custom=None, raw_options=None, shapes=None):
        """Its outputs; one of them alone for one dtype."""
        several = isinstance(dtypes, (list, tuple))
        dtypes = dtypes if several else [dtypes]
        qs = q if isinstance(q, list) else [q] * len(dtypes)
        o = schema.OperatorT()
        o.opcodeIndex, o.inputs = self.model.code(name, custom), np.int32(inputs)
        o.outputs = [self.tensor(d, shapes[i] if shapes else (), q=qs[i], name=f"y{len(self.t.tensors)}") for i, d in enumerate(dtypes)]
        if options:
            kind, values = options
            fields = getattr(schema, kind + "T")()
            for key, value in values.items():
                setattr(fields, key, value)
            if hasattr(schema.BuiltinOptions, kind):
                o.builtinOptionsType, o.builtinOptions = getattr(schema.BuiltinOptions, kind), fields
            else:
                o.builtinOptions2Type, o.builtinOptions2 = getattr(schema.BuiltinOptions2, kind), fields
        if raw_options:
            o.customOptions = np.frombuffer(raw_options, np.uint8)
        self.t.operators.append(o)
        return o.outputs if several else o.outputs[0]

    def output(self, *numbers):
        self.t.outputs += numbers
        return self


class Model:
    def __init__(self):
        self.t = schema.ModelT()
        self.t.version, self.t.description = 3, b"by hand"
        self.t.buffers, self.t.operatorCodes, self.t.subgraphs, self.t.metadata = [schema.BufferT()], [], [], []
        self.t.signatureDefs = None
        self.graphs = []
        self.main = self.graph()

    def graph(self):
        g = Graph(self)
        self.graphs.append(g)
        return g

    def buffer(self, data):
        b = schema.BufferT()
        b.data = np.frombuffer(data, np.uint8)
        self.t.buffers.append(b)
        return len(self.t.buffers) - 1

    def code(self, name, custom=None):
        number = getattr(schema.BuiltinOperator, name)
        for i, c in enumerate(self.t.operatorCodes):
            if c.builtinCode == number and c.customCode == custom:
                return i
        c = schema.OperatorCodeT()
        c.builtinCode, c.deprecatedBuiltinCode, c.version, c.customCode = number, min(number, 127), VERSIONS.get(name, 1), custom
        self.t.operatorCodes.append(c)
        return len(self.t.operatorCodes) - 1

    def metadata(self, name, data):
        m = schema.MetadataT()
        m.name, m.buffer = name, self.buffer(data)
        self.t.metadata.append(m)

    def signature(self, key, inputs, outputs, subgraph=0):
        s = schema.SignatureDefT()
        s.signatureKey, s.subgraphIndex = key, subgraph
        maps = []
        for names in (inputs, outputs):
            maps.append([])
            for alias, number in names.items():
                m = schema.TensorMapT()
                m.name, m.tensorIndex = alias, number
                maps[-1].append(m)
        s.inputs, s.outputs = maps
        self.t.signatureDefs = (self.t.signatureDefs or []) + [s]

    def bytes(self):
        self.t.subgraphs = [g.t for g in self.graphs]
        builder = flatbuffers.Builder(1024)
        builder.Finish(self.t.Pack(builder), b"TFL3")
        return bytes(builder.Output())


# Of operators whose first version can not do what the cases ask for.
VERSIONS = {"BROADCAST_TO": 2}


class Case:
    """`feeds`: arrays by the inputs' names. `step`: how far integers that are quantised may be apart."""
    def __init__(self, name, model, feeds, rtol=1e-5, atol=1e-5, step=0, answers=None):
        self.name, self.feeds, self.rtol, self.atol, self.step = name, feeds, rtol, atol, step
        self.bytes = model if isinstance(model, bytes) else model.bytes()
        self.answers = answers


def one(name, arrays, dtypes, options=None, const=(), q=None, qs=None, label="", **more):
    """A model of one operator; inputs numbered in `const` are constants, None is one that is not there."""
    m = Model()
    feeds, numbers = {}, []
    shapes = more.pop("shapes", None)
    for i, a in enumerate(arrays):
        grid_of = qs[i] if qs else None
        if a is None:
            numbers.append(-1)
        elif i in const:
            numbers.append(m.main.const(a, grid_of))
        else:
            numbers.append(m.main.input(f"x{i}", a, grid_of))
            feeds[f"x{i}"] = a
    out = m.main.op(name, numbers, dtypes, options, q, shapes=shapes)
    m.main.output(*(out if isinstance(out, list) else [out]))
    text = " ".join("-" if a is None else f"{a.dtype}{list(a.shape)}" for a in arrays)
    kind = " ".join(f"{k}={v}" for k, v in options[1].items()) if options else ""
    return Case(f"{name} {text} {kind} const={list(const)} {label}", m, feeds, **more)


def ask(case):
    """What the interpreter answers, by the outputs' names up to their ':'."""
    interpreter = tf.lite.Interpreter(
        model_content=case.bytes, experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    for d in interpreter.get_input_details():
        interpreter.resize_tensor_input(d["index"], case.feeds[d["name"]].shape)
    interpreter.allocate_tensors()
    for d in interpreter.get_input_details():
        array = case.feeds[d["name"]]
        interpreter.set_tensor(d["index"], np.array([t.encode() for t in array.ravel()]).reshape(array.shape) if array.dtype == object else array)
    interpreter.invoke()
    return {d["name"].split(":")[0]: interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()}
