#!/usr/bin/env python3
"""transformers on the work of `mlora-run eval` and `generate`: the peer of bench/beside-transformers.

  eval_peer.py MODEL.gguf --anchors DIR --data DIR mmlu|boolq|decode|prefill [--limit N] [--threads 2]

mmlu: each five-shot prompt whole, logits of the last token. boolq: each prompt with each of its two answers, whole.
decode: greedy tokens with transformers' own cache. prefill: 512 tokens, logits of the last one. Prints one JSON object.
"""
import argparse, json, pathlib, sys, time

p = argparse.ArgumentParser()
p.add_argument("model")
p.add_argument("what", choices=["mmlu", "boolq", "decode", "prefill"])
p.add_argument("--anchors", required=True)
p.add_argument("--data", required=True)
p.add_argument("--subject", default="world_religions")
p.add_argument("--limit", type=int, default=20)
p.add_argument("--tokens", type=int, default=64)
p.add_argument("--threads", type=int, default=2)
o = p.parse_args()
sys.path.insert(0, o.anchors)
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer
import tasks

torch.set_num_threads(o.threads)
path = pathlib.Path(o.model).resolve()
tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
model = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32).eval()


def ids(text):
    return torch.tensor([tokenizer(text, add_special_tokens=False)["input_ids"]])


@torch.no_grad()
def score(text, answer):
    prompt, whole = ids(text).shape[1], ids(text + answer)
    logits = model(whole).logits[0, prompt - 1:-1]
    return torch.log_softmax(logits, -1).gather(1, whole[0, prompt:, None]).mean().item()


@torch.no_grad()
def main():
    data = pathlib.Path(o.data)
    if o.what in ("mmlu", "boolq"):
        rows = list(tasks.mmlu(data, o.subject) if o.what == "mmlu" else tasks.boolq(data))[:o.limit]
        letters = [ids(" " + letter)[0, 0].item() for letter in "ABCD"]
        correct, start = 0, time.perf_counter()
        for prompt, gold in rows:
            if o.what == "mmlu":
                logits = model(ids(prompt), logits_to_keep=1).logits[0, -1]
                answer = " " + "ABCD"[int(torch.argmax(logits[letters]))]
            else:
                answer = max(("Yes", "No"), key=lambda a: score(prompt, a))
            correct += answer == gold
        seconds = time.perf_counter() - start
        return {"questions_per_second": len(rows) / seconds, "questions": len(rows), "accuracy": correct / len(rows)}
    if o.what == "prefill":
        tokens, best = torch.arange(100, 612)[None], 0
        for _ in range(3):
            start = time.perf_counter()
            model(tokens, logits_to_keep=1)
            best = max(best, 512 / (time.perf_counter() - start))
        return {"tokens_per_second": best}
    best = 0
    for _ in range(3):
        out = model(ids("The capital of France is"), use_cache=True)
        start = time.perf_counter()
        for _ in range(o.tokens):
            token = out.logits[:, -1].argmax(-1, keepdim=True)
            out = model(token, past_key_values=out.past_key_values, use_cache=True)
        best = max(best, o.tokens / (time.perf_counter() - start))
    return {"tokens_per_second": best}


print(json.dumps(main()))
