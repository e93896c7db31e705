#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a container runs: as in TensorFlow Serving's image, one model by its name and the folder of all models; arguments come behind and count
# more. tensord takes the place of the shell, so that it gets the container's signals and drains.
exec tensord --port=8500 --rest_api_port=8501 --model_name="${MODEL_NAME:-model}" \
    --model_base_path="${MODEL_BASE_PATH:-/models}/${MODEL_NAME:-model}" "$@"
