#!/usr/bin/env python3
"""Writes the tiny models beside it and what PyTorch makes of them in float64: multilora/, lora/, ft/.

    pip install torch transformers safetensors
    unit/goldens/tiny/make_tiny.py

The model is transformers' LlamaForCausalLM, an adapter is the paper's equation 4 written down, gradients are autograd's,
the optimizer is torch.optim.AdamW with the gradient clipped to norm 1. Models are stored in bf16, all else in f32; files
are named as in ../shared/data/goldens. The same versions give the same bytes.
"""
import json
import math
import re
from pathlib import Path
from types import MethodType

import torch
import transformers
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM
from transformers.models.llama.modeling_llama import LlamaRMSNorm, LlamaRotaryEmbedding

HERE = Path(__file__).resolve().parent
TARGETS = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
IGNORED = -100


# ---- models ----------------------------------------------------------------------------------------------

def write_model(folder, seed, **config):
    """Random weights, large enough that attention is not flat, norms around 1."""
    torch.manual_seed(seed)
    config = LlamaConfig(architectures=["LlamaForCausalLM"], dtype="bfloat16", bos_token_id=None, eos_token_id=0, **config)
    tensors = {}
    for name, p in LlamaForCausalLM(config).state_dict().items():
        if not (config.tie_word_embeddings and name == "lm_head.weight"):
            values = 1 + 0.1 * torch.randn(p.shape) if p.ndim == 1 else 0.2 * torch.randn(p.shape)
            tensors[name] = values.bfloat16()
    folder.mkdir(parents=True, exist_ok=True)
    save_file(tensors, folder / "model.safetensors")
    text = {k: v for k, v in json.loads(config.to_json_string()).items() if k != "transformers_version"}
    (folder / "config.json").write_text(json.dumps(text, indent=2) + "\n")


def frequencies(config):
    """Rotary frequencies in float64; transformers computes them in float32."""
    rope, d = config.rope_parameters, config.head_dim
    f = rope["rope_theta"] ** (-torch.arange(0, d, 2, dtype=torch.float64) / d)
    if rope["rope_type"] == "llama3":
        wavelengths = rope["original_max_position_embeddings"] * f / (2 * math.pi)
        t = ((wavelengths - rope["low_freq_factor"]) / (rope["high_freq_factor"] - rope["low_freq_factor"])).clamp(0, 1)
        f = (1 - t) * f / rope["factor"] + t * f
    return f


def rms_norm(self, x):
    return self.weight * x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.variance_epsilon)


def rotary(self, x, position_ids):
    angle = position_ids[..., None].double() * self.inv_freq
    angle = torch.cat((angle, angle), dim=-1)
    return angle.cos(), angle.sin()


def load(folder):
    """In float64 throughout: transformers itself drops to float32 in RMSNorm and RoPE."""
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).double()
    for module in model.modules():
        if isinstance(module, LlamaRMSNorm):
            module.forward = MethodType(rms_norm, module)
        elif isinstance(module, LlamaRotaryEmbedding):
            module.inv_freq, module.forward = frequencies(module.config), MethodType(rotary, module)
    return model


# ---- adapters --------------------------------------------------------------------------------------------

class Adapted(torch.nn.Module):
    """y = W x + sum_i alpha/r · s_i ⊙ (B_i (A_i x)); LoRA is one branch without s."""

    def __init__(self, base, n, r, alpha, scaled):
        super().__init__()
        self.base, self.c = base, alpha / r
        parameter = lambda *shape: torch.nn.Parameter(torch.empty(*shape, dtype=torch.float64))
        self.branch = torch.nn.ModuleList(torch.nn.ParameterDict(
            dict(A=parameter(r, base.in_features), B=parameter(base.out_features, r))
            | (dict(s=parameter(base.out_features)) if scaled else {})) for _ in range(n))

    def forward(self, x):
        y = self.base(x)
        for branch in self.branch:
            update = x @ branch["A"].T @ branch["B"].T
            y = y + self.c * (branch["s"] * update if "s" in branch else update)
        return y


def adapt(model, method, n, r, alpha, targets):
    model.requires_grad_(False)
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if name in targets:
                setattr(module, name, Adapted(child, n, r, alpha, scaled=method == "multilora"))
    return model


def trainable(model):
    """By mlora's names, `layers.{N}.{target}.branch.{i}.{A|B|s}`, or Hugging Face's."""
    short = lambda name: re.sub(r"^model\.(layers\.\d+)\.\w+\.(\w+\.branch\.)", r"\1.\2", name)
    return {short(name): p for name, p in model.named_parameters() if p.requires_grad}


# ---- values ----------------------------------------------------------------------------------------------

def forward(model, batch):
    packed = {}
    if "document_ids" in batch:
        d = batch["document_ids"]
        same = d[:, None, :, None] == d[:, None, None, :]
        packed = dict(attention_mask=same & torch.ones(d.shape[1], d.shape[1], dtype=torch.bool).tril(),
                      position_ids=batch["position_ids"].long())
    return model(input_ids=batch["input_ids"].long(), use_cache=False, **packed).logits


def loss_of(logits, labels):
    return torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten().long(), ignore_index=IGNORED)


def train(model, batches, steps, lr, weight_decay):
    tensors = list(trainable(model).values())
    optimizer = torch.optim.AdamW(tensors, lr=lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=weight_decay)
    log = []
    for step in range(steps):
        batch = {name: values[step % len(values)] for name, values in batches.items()}
        optimizer.zero_grad()
        loss = loss_of(forward(model, batch), batch["labels"])
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(tensors, 1.0)
        log.append(dict(step=step, lr=lr, loss=loss.item(), grad_norm=norm.item()))
        optimizer.step()
    return log


def as_stored(tensors):
    return {name: (t.detach().float() if t.is_floating_point() else t.int()).contiguous() for name, t in tensors.items()}


def write_case(name, model, batches, training, method, seed=None, **adapter):
    """adapter.safetensors, expected.safetensors (gradients; logits of the first row), trajectory.json, case.json."""
    out = HERE / name
    out.mkdir(exist_ok=True)
    torch.manual_seed(0)
    adapted = load(out / model)
    if method == "ft":
        adapted.requires_grad_(True)
    else:
        adapt(adapted, method, **adapter)
        torch.manual_seed(seed)
        with torch.no_grad():
            for tensor_name, p in trainable(adapted).items():  # nothing is zero; values that f32 holds
                p.copy_(((0.5 if tensor_name.endswith(".s") else p.shape[-1] ** -0.5) * torch.randn(p.shape)).float())
        save_file(as_stored(trainable(adapted)), out / "adapter.safetensors")
    first = {key: values[0] for key, values in batches.items()}
    logits = forward(adapted, first)
    loss = loss_of(logits, first["labels"])
    loss.backward()
    expected = {f"grad.{tensor_name}": p.grad for tensor_name, p in trainable(adapted).items()}
    if method != "ft":
        expected |= {key: values[:1] for key, values in first.items()} | {"logits": logits[:1]}
    save_file(as_stored(expected), out / "expected.safetensors")
    case = dict(method=method, model=model, batches="../multilora/batches.safetensors" if method == "ft" else "batches.safetensors",
                loss=loss.item(), training=training)
    if method != "ft":
        save_file(as_stored(batches), out / "batches.safetensors")
        case |= dict(initial="adapter.safetensors", num_branches=adapter["n"], lora_r=adapter["r"], lora_alpha=adapter["alpha"],
                     lora_target_modules=adapter["targets"])
    log = train(adapted, batches, **training)
    (out / "trajectory.json").write_text("[\n" + ",\n".join("  " + json.dumps(step) for step in log) + "\n]\n")
    case["versions"] = {m.__name__: m.__version__ for m in (torch, transformers)}
    (out / "case.json").write_text(json.dumps(case, indent=2) + "\n")
    print(f"{name}: loss {log[0]['loss']:.4f} -> {log[-1]['loss']:.4f}, gradient norm {log[0]['grad_norm']:.3f}")


# ---- cases -----------------------------------------------------------------------------------------------

def tokens(seed, vocabulary, count, rows, length):
    """Ids of which each but the first follows from the one before it or is random."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(1, vocabulary, (count, rows, length), generator=generator)
    for t in range(1, length):
        follows = torch.rand((count, rows), generator=generator) < 0.7
        ids[..., t] = torch.where(follows, (ids[..., t - 1] * 5 + 3) % vocabulary, ids[..., t])
    return ids


def main():
    torch.set_num_threads(1)
    # Rates are small: at 0.02 a change of 1e-7 in the adapter is 3 % of the gradient norm after six steps.
    # More rows than a block of 128; prompts do not count.
    write_model(HERE / "model", seed=1, vocab_size=64, hidden_size=32, intermediate_size=36, num_hidden_layers=2,
                num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-5,
                tie_word_embeddings=True)
    ids = tokens(2, 64, count=3, rows=2, length=70)
    labels = ids.clone()
    labels[:, 0, :9], labels[:, 1, :31] = IGNORED, IGNORED
    batches = dict(input_ids=ids, labels=labels)
    write_case("multilora", "../model", batches, dict(steps=8, lr=0.002, weight_decay=0.01), "multilora", seed=3, n=3, r=2,
               alpha=4, targets=TARGETS)
    write_case("ft", "../model", batches, dict(steps=8, lr=0.002, weight_decay=0.01), "ft")

    # Untied, one key head, head_dim != hidden/heads, llama3's frequencies; three documents in a row.
    write_model(HERE / "lora/model", seed=4, vocab_size=50, hidden_size=24, intermediate_size=37, num_hidden_layers=2,
                num_attention_heads=3, num_key_value_heads=1, head_dim=10, max_position_embeddings=256, rms_norm_eps=1e-5,
                tie_word_embeddings=False,
                rope_parameters=dict(rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0,
                                     high_freq_factor=4.0, original_max_position_embeddings=32))
    ids, lengths = tokens(5, 50, count=3, rows=2, length=48), (19, 1, 28)
    labels = ids.clone()
    labels[..., [0, 19, 20]] = IGNORED
    same = lambda row: torch.tensor(row).expand(3, 2, 48).clone()
    write_case("lora", "model", dict(input_ids=ids, labels=labels,
                                     document_ids=same([d for d, n in enumerate(lengths) for _ in range(n)]),
                                     position_ids=same([p for n in lengths for p in range(n)])),
               dict(steps=8, lr=0.005, weight_decay=0.01), "lora", seed=6, n=1, r=5, alpha=10,
               targets=["q_proj", "v_proj", "down_proj"])


if __name__ == "__main__":
    main()
