#!/usr/bin/env python3
"""PyTorch's side of the report. `peer.py limits`: the device's rate of bf16 products and of copies, measured.
`peer.py train MODEL …`: peft_train.py as it is, over random weights of a config.json that are made on the device."""
import json, os, runpy, sys, time

import torch


def seconds(work, rounds=10):
    for _ in range(3):
        work()
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(rounds):
        work()
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / rounds


def limits():
    a, b = (torch.randn(8192, 8192, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    source = torch.empty(2 << 30, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    print(json.dumps({"device": torch.cuda.get_device_name(), "torch": torch.__version__,
                      "gemm_tflops": 2 * 8192**3 / seconds(lambda: a @ b) / 1e12,
                      "copy_gb_per_second": 2 * source.numel() / seconds(lambda: target.copy_(source)) / 1e9}))


def train():
    from transformers import AutoConfig, AutoModelForCausalLM

    def random_weights(path, dtype):
        torch.set_default_dtype(dtype)
        with torch.device("cuda"):
            model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(path))
        torch.set_default_dtype(torch.float32)
        return model

    AutoModelForCausalLM.from_pretrained = random_weights
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peft_train.py")
    sys.argv = [script, *sys.argv[2:]]
    runpy.run_path(script, run_name="__main__")


{"limits": limits, "train": train}[sys.argv[1]]()
