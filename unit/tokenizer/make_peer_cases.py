"""Writes peer_cases.json: small tokenizers with the ids and texts that Hugging Face's tokenizers (0.23) gives.

    python3 unit/tokenizer/make_peer_cases.py      (needs the package tokenizers; the test reads only the JSON)
"""
import json
from pathlib import Path

from tokenizers import Tokenizer

CORPUS = "the low lower lowest newer wider then there 12 123 1984 don't we're it'll aaaa      é è ça naïve 東京 👍"


def bytes_to_chars():
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in keep]
    return {b: chr(b) for b in keep} | {b: chr(256 + i) for i, b in enumerate(rest)}


def learn(words, alphabet, merges):
    """Plain BPE training: the most frequent pair first, ties by text."""
    vocab, ranked = list(alphabet), []
    words = [list(w) for w in words]
    for _ in range(merges):
        counts = {}
        for w in words:
            for pair in zip(w, w[1:]):
                counts[pair] = counts.get(pair, 0) + 1
        if not counts:
            break
        (a, b), _ = min(counts.items(), key=lambda item: (-item[1], item[0]))
        ranked.append(f"{a} {b}")
        if a + b not in vocab:
            vocab.append(a + b)
        for w in words:
            i = 0
            while i < len(w) - 1:
                if (w[i], w[i + 1]) == (a, b):
                    w[i:i + 2] = [a + b]
                i += 1
    return vocab, ranked


def bpe(vocab, merges, **changes):
    return dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix=None, end_of_word_suffix=None,
                fuse_unk=False, byte_fallback=False, ignore_merges=False,
                vocab={t: i for i, t in enumerate(vocab)}, merges=merges) | changes


def base_models():
    chars = bytes_to_chars()
    lacking = {4, 6, 0xC0, 0xFF}
    alphabet = [c for b, c in chars.items() if b not in lacking]
    words = ["".join(chars[b] for b in w.encode()) for w in (" " + CORPUS).replace(" ", "\0 ").split("\0") if w]
    vocab, merges = learn(words, alphabet, 60)
    byte_level = bpe(vocab, merges)
    pieces = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256) if b != 0xF0)]
    pieces += sorted(set("▁" + CORPUS.replace(" ", "▁")) - {"東"})
    text = [w for w in ("▁" + CORPUS.replace(" ", "\0▁")).split("\0")]
    vocab, merges = learn([w.replace("東", "") for w in text] + ["▁▁▁▁", "ab"], pieces + ["b"], 60)
    sentence_piece = bpe(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    return {"bytes": byte_level, "whole": byte_level | {"ignore_merges": True}, "pieces": sentence_piece,
            "unfused": sentence_piece | {"fuse_unk": False}, "nobytes": sentence_piece | {"byte_fallback": False},
            "plain": sentence_piece | {"byte_fallback": False, "unk_token": None},
            # ranks that contradict the lengths, and two ways to one token
            "ranks": bpe(["a", "b", "c", "ab", "bc", "abc", "aa", "aaa", "cab"],
                         ["b c", "a bc", "a b", "ab c", "aa a", "a aa", "a a", "c ab"])}


BYTE_LEVEL = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=True)
TO_BYTES = BYTE_LEVEL | dict(use_regex=False)
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
MARKS = dict(type="Sequence", normalizers=[dict(type="Prepend", prepend="▁"),
                                           dict(type="Replace", pattern={"String": " "}, content="▁")])
LLAMA2 = dict(type="Sequence", decoders=[dict(type="Replace", pattern={"String": "▁"}, content=" "),
                                         dict(type="ByteFallback"), dict(type="Fuse"),
                                         dict(type="Strip", content=" ", start=1, stop=0)])


def split(pattern, behavior, invert=False):
    return dict(type="Split", pattern=pattern, behavior=behavior, invert=invert)


def added(model, *tokens):
    """AddedToken fields, with the ids that follow the vocabulary's."""
    new = len(model["vocab"])
    result = []
    for content, changes in tokens:
        known = model["vocab"].get(content)
        fields = dict(id=known if known is not None else new, content=content, single_word=False, lstrip=False,
                      rstrip=False, normalized=False, special=True)
        new += known is None
        result.append(fields | changes)
    return result


TEXTS = ["", " ", "   ", "the lowest  newer\n\n there", " don't we're IT'LL", "12 123 1984x٣½", "naïve ça é",
         "東京 👍\U0001F600", "a\tb\r\n  c", "a\x00\x04\x06b\x85\u180e\u3000c", "aaaaaaa aaaaa", "<s>the</s> <s>", "▁the▁▁low",
         "the<x>low", "the <x> low<x>", "the x xx x.", "  <y>  <x>  the", "THE Ça cafe\u0301", "don’t ſ 'S", "ab\n", "abcabcab", "bcab", "xd 東東 d東"]


def cases(models):
    both = {"byte level": ("bytes", dict(pre_tokenizer=BYTE_LEVEL, decoder=BYTE_LEVEL)),
            "prefix space": ("bytes", dict(pre_tokenizer=BYTE_LEVEL | dict(add_prefix_space=True), decoder=BYTE_LEVEL)),
            "whole pieces": ("whole", dict(pre_tokenizer=BYTE_LEVEL, decoder=BYTE_LEVEL)),
            "digits": ("bytes", dict(pre_tokenizer=dict(type="Sequence", pretokenizers=[
                dict(type="Digits", individual_digits=True), BYTE_LEVEL]), decoder=BYTE_LEVEL)),
            "digit groups": ("bytes", dict(pre_tokenizer=dict(type="Sequence", pretokenizers=[
                dict(type="Digits", individual_digits=False), TO_BYTES]), decoder=BYTE_LEVEL)),
            "llama 3": ("whole", dict(pre_tokenizer=dict(type="Sequence", pretokenizers=[
                split({"Regex": LLAMA3}, "Isolated"), TO_BYTES]), decoder=BYTE_LEVEL)),
            "nfc": ("bytes", dict(normalizer=dict(type="NFC"), pre_tokenizer=BYTE_LEVEL, decoder=BYTE_LEVEL)),
            "nfkd": ("bytes", dict(normalizer=dict(type="NFKD"), pre_tokenizer=BYTE_LEVEL, decoder=BYTE_LEVEL)),
            "llama 2": ("pieces", dict(normalizer=MARKS, decoder=LLAMA2)),
            "unfused": ("unfused", dict(normalizer=MARKS, decoder=LLAMA2)),
            "no bytes": ("nobytes", dict(normalizer=MARKS, decoder=LLAMA2)),
            "nothing unknown": ("plain", dict(normalizer=MARKS)),
            "ranks": ("ranks", {})}
    for scheme in ("always", "first", "never"):
        for whole in (False, True):
            meta = dict(type="Metaspace", replacement="▁", prepend_scheme=scheme, split=whole)
            both[f"metaspace {scheme} {whole}"] = ("pieces", dict(pre_tokenizer=meta, decoder=meta, added_tokens=added(
                models["pieces"], ("<s>", {}), ("</s>", {}), ("<x>", {"special": False}))))
    for behavior in ("Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"):
        for invert in (False, True):
            both[f"split {behavior} {invert}"] = ("bytes", dict(pre_tokenizer=dict(type="Sequence", pretokenizers=[
                split({"Regex": r"[\s\p{N}]"}, behavior, invert), TO_BYTES])))
    for name, regex in dict(word=r"\w+", line=r"^.", end=r".$", notspace=r"\S+", letters=r"\p{^L}",
                            han=r"\p{Han}|[\u0064-\x{66}]", empty=r"x*", behind=r"(?<=a)a(?!b)").items():
        both[f"regex {name}"] = ("bytes", dict(pre_tokenizer=dict(type="Sequence", pretokenizers=[
            split({"Regex": regex}, "Isolated"), TO_BYTES])))
    both["literal"] = ("bytes", dict(pre_tokenizer=dict(type="Sequence", pretokenizers=[
        split({"String": "ow"}, "Removed"), TO_BYTES])))
    for option in ({}, {"lstrip": True}, {"rstrip": True}, {"lstrip": True, "rstrip": True}, {"single_word": True},
                   {"special": False}, {"normalized": True}, {"normalized": True, "single_word": True}):
        name = "added " + " ".join(option)
        tokens = [("<s>", option), ("<x>", option), ("<x> ", option), ("x", option), ("é", {"normalized": True, "special": False}), ("the", option), ("<y>", {})]
        both[name + " bytes"] = ("bytes", dict(pre_tokenizer=BYTE_LEVEL, decoder=BYTE_LEVEL, normalizer=dict(type="NFC"),
                                              added_tokens=added(models["bytes"], *tokens)))
        both[name + " pieces"] = ("pieces", dict(normalizer=MARKS, decoder=LLAMA2,
                                                added_tokens=added(models["pieces"], *tokens)))
    return both


def main():
    models, out = base_models(), []
    for name, (model, parts) in cases(models).items():
        spec = dict(version="1.0", truncation=None, padding=None, added_tokens=[], normalizer=None, pre_tokenizer=None,
                    post_processor=None, decoder=None, model=models[model]) | parts
        peer = Tokenizer.from_str(json.dumps(spec))
        # HF keeps a special token in decoded text when normalising changes its content; we leave it out.
        kept = any(t["special"] and peer.id_to_token(t["id"]) != t["content"] for t in spec["added_tokens"])
        rows = []
        for text in TEXTS:
            ids = peer.encode(text, add_special_tokens=False).ids
            rows.append([text, ids, peer.decode(ids, skip_special_tokens=False), None if kept else peer.decode(ids)])
        out.append(dict(name=name, model=model, parts=parts, rows=rows))
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in out)
    text = '{"models": ' + json.dumps(models, ensure_ascii=False) + ',\n"rows": "text, ids, decoded, decoded without ' \
           'special tokens",\n"cases": [\n' + lines + "\n]}\n"
    (Path(__file__).parent / "peer_cases.json").write_text(text)


main()
