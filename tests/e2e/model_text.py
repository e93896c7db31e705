# SPDX-License-Identifier: Apache-2.0
"""SavedModels without variables, written as text."""
import os


def node(name, op, inputs, *attrs):
    inputs = "".join(f"input: '{i}' " for i in inputs)
    attrs = "".join(f"attr {{ key: '{k}' value {{ {v} }} }} " for k, v in attrs)
    return f"node {{ name: '{name}' op: '{op}' {inputs}{attrs}}}\n"


def info(alias, name, dtype):
    return f"{{ key: '{alias}' value {{ name: '{name}:0' dtype: {dtype} tensor_shape {{ unknown_rank: true }} }} }}\n"


def signature(key, inputs, outputs):
    return (f"signature_def {{ key: '{key}' value {{\n" + "".join("inputs " + info(*i) for i in inputs)
            + "".join("outputs " + info(*o) for o in outputs) + "method_name: 'tensorflow/serving/predict' } }\n")


def meta_graph(nodes, signatures, functions=""):
    """The text of a SavedModel with one MetaGraph."""
    return (f"saved_model_schema_version: 1 meta_graphs {{ meta_info_def {{ tags: 'serve' }}\n"
            f"graph_def {{ {nodes} library {{ {functions} }} }}\n{signatures} }}\n")


def write_version(folder, text):
    os.makedirs(folder)
    with open(os.path.join(folder, "saved_model.pbtxt"), "w", encoding="utf-8") as file:
        file.write(text)
