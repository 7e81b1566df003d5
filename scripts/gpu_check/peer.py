#!/usr/bin/env python3
"""PyTorch's side of the report, over random weights of a config.json that are made on the device: `peer.py MODEL …` is
peft_train.py but for the types in its MultiLoRA, and with `--method none`, which that has not, a step without anything
trained."""
import argparse, ast, json, os, statistics, sys, time

import torch
from transformers import AutoConfig, AutoModelForCausalLM

DEVICE = sys.argv[sys.argv.index("--device") + 1] if "--device" in sys.argv else "cuda"


def random_weights(path, dtype):
    torch.set_default_dtype(dtype)
    with torch.device(DEVICE):
        model = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(path))
    torch.set_default_dtype(torch.float32)
    return model


def frozen_steps():
    """What mlora's method=none does: forward, and backward of the activations down to the embedding's output."""
    p = argparse.ArgumentParser()
    p.add_argument("model")
    for name in ("method", "device"):
        p.add_argument(f"--{name}")
    for name in ("n", "r", "seq", "batch", "steps"):
        p.add_argument(f"--{name}", type=int)
    p.add_argument("--dtype")
    o = p.parse_args()
    torch.manual_seed(0)
    model = random_weights(o.model, getattr(torch, o.dtype))
    model.requires_grad_(False)
    model.enable_input_require_grads()
    model.train()
    model.config.use_cache = False
    gen = torch.Generator().manual_seed(1)
    seconds, losses = [], []
    for _ in range(o.steps):
        ids = torch.randint(0, model.config.vocab_size, (o.batch, o.seq), generator=gen).to(DEVICE)
        t = time.perf_counter()
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        if DEVICE == "cuda":
            torch.cuda.synchronize()  # no optimizer waits for the backward pass here
        losses.append(loss.item())
        seconds.append(time.perf_counter() - t)
    s = statistics.median(seconds[1:] or seconds)
    print(json.dumps({"seconds": round(s, 4), "tokens_per_second": round(o.batch * o.seq / s, 1), "trainable": 0,
                      "losses": [round(x, 4) for x in losses]}))


def peft_train():
    """The script beside this, without its last line, the call of main()."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "peft_train.py")
    with open(path) as file:
        tree = ast.parse(file.read(), path)
    tree.body.pop()
    scope = {"__name__": "peft_train"}
    exec(compile(tree, path, "exec"), scope)
    return scope


def multilora_forward(self, x):
    """Adapters are made in f32, whatever the base is in; PEFT's LoRA takes its input and gives its result like this."""
    y = self.base(x)
    for a, b, s in zip(self.a, self.b, self.s):
        y = y + s * b(a(x.to(a.weight.dtype)))
    return y.to(x.dtype)


if "none" in sys.argv:
    frozen_steps()
else:
    AutoModelForCausalLM.from_pretrained = random_weights
    script = peft_train()
    script["MultiLoRALinear"].forward = multilora_forward
    script["main"]()
