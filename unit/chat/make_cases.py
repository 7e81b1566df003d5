#!/usr/bin/env python3
"""Writes cases.json: templates, messages and the texts that Python's jinja2 makes of them.

Run with jinja2 >= 3.1 (`pip install jinja2`); the environment is set up as transformers does it
(utils/chat_template_utils.py): ImmutableSandboxedEnvironment, trim_blocks, lstrip_blocks, loop controls,
tojson without HTML escapes, raise_exception, strftime_now, and the `generation` tag.
SmolLM2's template stands in its GGUF file, TinyLlama's and Llama 3's in ../../../shared/data/tokenizers.
"""
import json
import pathlib

import jinja2
from jinja2.ext import Extension, loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

here = pathlib.Path(__file__).parent
tokenizers = here / "../../../shared/data/tokenizers"


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("mark"), [], [], body).set_lineno(line)

    def mark(self, caller):
        return caller()


def environment():
    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols])
    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    return env


def render(template, messages, prompt, bos="<s>", eos="</s>"):
    return environment().from_string(template).render(
        messages=messages, add_generation_prompt=prompt, bos_token=bos, eos_token=eos, tools=None, documents=None)


u, a, s = (lambda t, role=r: {"role": role, "content": t} for r in ("user", "assistant", "system"))
conversations = {
    "one": [u("Hello, who are you?")],
    "system": [s("Be brief."), u("2 + 2?"), a("4"), u("And 3 + 3? ä 🙂")],
    "spaces": [u("  leading"), a(" trailing \n\n"), u("quotes ' and \" and\ttab\n\nlines"), a("fin")],
}

# Keys stay in the conversation's order.
calls = [u("Weather in Oslo?"),
         {"role": "assistant", "content": None, "tool_calls": [
             {"type": "function", "function": {"name": "weather", "arguments": {"place": "Oslo", "days": 2, "at": [1.5, True]}}}]}]
call_templates = [
    "{% for m in messages %}{{ m | tojson }}{{ m }}{% endfor %}",
    "{% for c in messages[1].tool_calls %}{{ c.function.arguments | tojson(indent=2) }}{% for k, v in c.function.arguments.items() %}"
    "{{ k }}={{ v }};{% endfor %}{{ c.function.arguments.keys() | list }}{% endfor %}",
]

snippets = r'''
{{ 1 + 2 * 3 - 4 // 3 % 2 }} {{ 7 / 2 }} {{ -7 // 2 }} {{ -7 % 3 }} {{ 2 - -1 }} {{ 1.0 }} {{ 1e3 if false }} {{ 0.1 + 0.2 }}
{{ 'a' ~ 1 ~ none ~ true ~ [1, 'x', none, {'k': 2.5}] }}
{{ 'it\'s' ~ "\n\t\\ \x41 \u00e9 \101 \q" }}{{ "a" 'b' }}
{{ [1, "it's", 'say "x"', "both ' and \"", "a\nb\\"] }} {{ {'a': 1, 'b': [true, none]} }}
{{ 1 < 2 < 3 }} {{ 1 < 2 > 3 }} {{ 1 == 1.0 }} {{ true == 1 }} {{ 'a' < 'b' }} {{ [1, 2] == [1, 2] }} {{ {'a': 1} == {'a': 1} }}
{{ 'x' in 'axb' }} {{ 'k' in {'k': 1} }} {{ 3 in [1, 2] }} {{ 3 not in [1, 2] }} {{ not 3 in [3] }}
{{ 'yes' if 1 else 'no' }} [{{ 'x' if 0 }}] {{ 'a' or 'b' }} {{ '' or 'b' }} {{ 'a' and 'b' }} {{ none or 0 or [] }}
{{ 'héllo'[1] }} {{ 'héllo'[-1] }} {{ 'héllo'[1:3] }} {{ 'héllo'[::-1] }} {{ 'héllo'[:-2] }} {{ [1,2,3,4][1:] }} {{ [1,2,3,4][::2] }} {{ [1,2,3][-2:] }} {{ [1,2,3][5:] }} {{ [1,2,3][::-2] }} {{ [1,2,3][-10:2] }}
{{ messages[0].role }} {{ messages[0]['role'] }} {{ messages[-1].content|length }} {{ messages|length }} [{{ messages[9] }}] [{{ messages[0].nothing }}] [{{ nothing }}]
{{ '  x y '|trim }}|{{ '  x '.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ '  x '.lstrip() }}|{{ '  x '.rstrip() }}|{{ 'xyabyx'|trim('xy') }}
{{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a,b,c'.split(',', 1) }} {{ 'a,b,c'.rsplit(',', 1) }} {{ 'a<x>b'.split('<x>')[-1] }} {{ 'a b c'.split(none, 1) }} {{ 'a\nb\n'.splitlines() }} {{ 'a\r\nb\rc\x0bd\x85e\u2028\n\nf'.splitlines() }}
{{ 'abc'.startswith('ab') }} {{ 'abc'.endswith('bc') }} {{ 'abc'.startswith(('x', 'a')) }} {{ 'abc'.upper() }} {{ 'straße ŉ'.upper() }} {{ 'ABC'.lower() }} {{ 'hello world-foo'.title() }} {{ 'hELLO'.capitalize() }} {{ 'abcabc'.replace('b', 'X') }} {{ 'abcabc'.replace('b', 'X', 1) }} {{ 'abc'.find('c') }} {{ 'abcabc'.count('bc') }} {{ 'abc'.removeprefix('a') }} {{ 'abc'.removesuffix('c') }} {{ ', '.join(['a', 'b']) }} {{ '12'.isdigit() }}
{{ {'a': 1}.get('a') }} {{ {'a': 1}.get('b') }} {{ {'a': 1}.get('b', 2) }} {% for k, v in {'a': 1, 'b': 2}.items() %}{{ k }}={{ v }};{% endfor %} {% for k in {'a': 1} %}{{ k }}{% endfor %} {{ {'a': 1, 'b': 2}.keys()|list }} {{ {'a': 1, 'b': 2}.values()|list }}
{{ [3, 1, 2]|first }} {{ [3, 1, 2]|last }} {{ [3, 1]|length }} {{ 'abc'|list }} {{ [1, 2]|join('-') }} {{ ['a','b']|join }} {{ [1,2,3]|reverse|list }} {{ 'abc'|reverse }} {{ [3, 1, 2]|min }} {{ [3, 1, 2]|max }}
{{ none|default('d') }} {{ nothing|default('d') }} {{ ''|default('d', true) }} {{ nothing|d }} {{ 'ABC'|lower }} {{ 'abc'|upper }} {{ 'abc def'|title }} {{ 'abc'|capitalize }} {{ 'aXa'|replace('X', 'b') }} {{ 5|string ~ '' }} {{ '7'|int + 1 }} {{ 'x'|int(3) }} {{ '1.9'|int }} {{ ' -1e3 '|int }} {{ 'nan'|int(4) }} {{ '2.5'|float }} {{ -3|abs }}
{{ messages|map(attribute='role')|join(',') }} {{ ['a', 'b']|map('upper')|join }} {{ messages|selectattr('role', 'equalto', 'user')|list|length }} {{ messages|rejectattr('role', '==', 'user')|list|length }} {{ [1, 2, 3, 4]|select('even')|list }} {{ [0, 1, '']|select|list }} {{ [1,2,3]|reject('odd')|list }}
{{ {'a': 1, 'b': 2}|items|list|length }} {% for k, v in {'a': 1}|items %}{{ k }}{{ v }}{% endfor %} {{ 'a\nb\n\nc'|indent(2) }} {{ 'a\nb'|indent(2, true) }} {{ 'a\nb'|indent }}
{{ {'a': 'ä"\n\u0001/', 'b': [1, 2.0, none, true], 'c': {}}|tojson }} {{ [1, {'a': []}]|tojson(indent=2) }} {{ []|tojson }} {{ 'x'|tojson }}
{{ x is defined }} {{ messages is defined }} {{ none is none }} {{ 'a' is string }} {{ {} is mapping }} {{ [] is sequence }} {{ [] is iterable }} {{ 1 is number }} {{ 1 is integer }} {{ 1.5 is float }} {{ true is boolean }} {{ true is true }} {{ 3 is odd }} {{ 4 is even }} {{ 9 is divisibleby 3 }} {{ 9 is divisibleby(2) }} {{ 1 is not none }} {{ 2 is eq 2 }} {{ 2 is in [1, 2] }} {{ 'A' is upper }} {{ raise_exception is callable }} {{ not x is defined }}
{% for i in [1, 2, 3] %}{{ loop.index }}{{ loop.index0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.previtem is defined }}{{ loop.nextitem }};{% endfor %}{% for i in [1] %}{% for j in [1] %}{{ loop.depth }}{{ loop.depth0 }}{% endfor %}{{ loop.depth }}{% endfor %}
{% for i in [] %}x{% else %}empty{% endfor %} {% for i in range(5) if i % 2 %}{{ i }}/{{ loop.length }} {% endfor %}{% for i in range(2, 8, 3) %}{{ i }}{% endfor %}{% for i in range(5) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}
{% set x = 1 %}{% for i in [1, 2] %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}{% if true %}{% set x = 9 %}{% endif %}{{ x }}{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set t %}in{{ a }}side{% endset %}{{ t }}
{% set ns = namespace(found=false, n=0) %}{% for i in [1, 2, 3] %}{% set ns.n = ns.n + i %}{% if i == 2 %}{% set ns.found = true %}{% endif %}{% endfor %}{{ ns.found }} {{ ns.n }}
{% raw %}{{ not }} {% this %}{% endraw %}|{# a comment #}|{%- raw -%} x {%- endraw -%}|
{% for m in messages %}{% if m.role == 'user' %}U{% elif m.role == 'system' %}S{% else %}{% generation %}{{ m.content }}{% endgeneration %}{% endif %}{% endfor %}
{{ - 3 | abs }} {{ 'a' + 'b' | upper }} {{ (1 + 2) ~ 3 }} {{ 2 * 3 ~ 4 }} {{ (1, 2)[0] }} {{ ({'a': {'b': [10, 20]}}).a.b[1] }} {{ 'x'.join([]) }}| {{ [[1, 2], [3]] }} {{ 10000000000000000.0 }} {{ 1e-05 }} {{ 123456.789 }}
{%- if true -%}   tight   {%- endif -%}   |{{- ' a ' -}}|
'''.strip("\n").split("\n")

layouts = ["{% if true %}\n  a\n{% endif %}\nb\n", "  {% if true %}\n  a\n  {% endif %}\n\n  b\n\n", "x\n   {#- c -#}\n\n y",
           "x {% if true %} y {% endif %} z\n", "  {%+ if true +%}\n a{% endif %}\n", "{{ 1 }}\n{{ 2 }}\n",
           "a\r\n{% if true %}\r\nb\r\n{% endif %}\r\n", "\n  {% set x = 1 %}\n  {# c #}\n  {{ x }}\n", "\t{%- if true %} \n a{% endif -%}\n\n\n b",
           "{% for i in [1,2] %}\n- {{ i }}\n{% endfor %}\nend", "a {# c #}\nb", "{% raw %}\n x {{ y }}\n{% endraw %}\nz"]

chatml = ("{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
          "You are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}"
          "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
          "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")

mistral = ("{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
           "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
           "{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
           "{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}"
           "{% else %}{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}")


def of(name):
    return json.loads((tokenizers / name / "tokenizer_config.json").read_text())["chat_template"]


cases = []


def case(name, template, messages, prompt, **tokens):
    try:
        expected = {"text": render(template, messages, prompt, **tokens)}
    except Exception as error:
        expected = {"error": str(error)}
    cases.append({"name": name, "template": template, "messages": messages, "prompt": prompt, **tokens, **expected})


for i, snippet in enumerate(snippets):
    case(f"snippet {i + 1}", snippet, conversations["system"], False)
for i, template in enumerate(call_templates):
    case(f"calls {i + 1}", template, calls, False)
for i, layout in enumerate(layouts):
    case(f"layout {i + 1}", layout, conversations["one"], False)
real = {"SmolLM2": (chatml, {"bos": "<|im_start|>", "eos": "<|im_end|>"}), "Mistral": (mistral, {}),
        "TinyLlama": (of("tinyllama-chat"), {}),
        "Llama 3": (of("llama3"), {"bos": "<|begin_of_text|>", "eos": "<|end_of_text|>"})}
for name, (template, tokens) in real.items():
    for which, messages in conversations.items():
        for prompt in (False, True):
            case(f"{name}, {which}, {prompt}", template, messages, prompt, **tokens)
(here / "cases.json").write_text(json.dumps(cases, indent=1, ensure_ascii=False) + "\n")
print(len(cases), "cases,", sum("error" in c for c in cases), "errors")
for c in cases:
    if "error" in c:
        print(c["name"], c["error"])
