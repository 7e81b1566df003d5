#!/usr/bin/env python3
"""PyTorch's side of the report: `peer.py MODEL …` is peft_train.py as it is, over random weights of a config.json that
are made on the device."""
import os, runpy, sys

import torch
from transformers import AutoConfig, AutoModelForCausalLM


def random_weights(path, dtype):
    torch.set_default_dtype(dtype)
    with torch.device("cuda"):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(path))
    torch.set_default_dtype(torch.float32)
    return model


AutoModelForCausalLM.from_pretrained = random_weights
script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peft_train.py")
sys.argv = [script, *sys.argv[1:]]
runpy.run_path(script, run_name="__main__")
