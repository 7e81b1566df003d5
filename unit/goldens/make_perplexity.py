"""Writes perplexity.json beside it: texts, and what transformers' SmolLM2-135M-Instruct (the Q4_1 GGUF, dequantised, f32)
says of them: words as lm-evaluation-harness counts them, tokens scored (all but the first: the tokenizer adds no BOS) and the sum of their negative log-probabilities.

  make_perplexity.py GGUF
"""
import json, pathlib, re, sys
import torch, transformers

gguf = pathlib.Path(sys.argv[1])
texts = [
    "Perplexity is the exponential of the mean negative log-probability of a text's tokens.\nA model that knows nothing has that of its "
    "vocabulary; one that knows the text has 1.\n",
    "Der schnelle braune Fuchs springt über den faulen Hund. 東京 👍 naïve café — 12 345,67 €\n\n\tdef f(x):\n\t\treturn x ** 2\n",
    "The the the the the the the the.",
]
torch.set_num_threads(2)
tokenizer = transformers.AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
model = transformers.AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32).eval()
rows = []
for text in texts:
    ids = tokenizer(text, return_tensors="pt", add_special_tokens=False).input_ids
    with torch.no_grad():
        logits = model(ids).logits[0, :-1].double()
    nll = -torch.log_softmax(logits, -1).gather(1, ids[0, 1:, None]).sum().item()
    rows.append({"text": text, "tokens": ids.shape[1] - 1, "words": len(re.split(r"\s+", text)), "nll": round(nll, 6)})
    print(rows[-1])
versions = {"torch": torch.__version__, "transformers": transformers.__version__}
pathlib.Path(__file__).with_name("perplexity.json").write_text(json.dumps({"versions": versions, "rows": rows}, indent=1, ensure_ascii=False) + "\n")
