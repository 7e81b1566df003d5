// What is outside of the subset is named, with its line; what has no end is stopped.
#include "mlora/Runtime/Chat/ChatTemplate.h"
#include "mlora/Runtime/Core/Error.h"

#include <gtest/gtest.h>
#include <random>

namespace mlora {
namespace {

/// The message of the Error that a template gives; empty when there is none.
std::string complaint(const std::string &source) {
  try {
    ChatTemplate chat(source, "<s>", "</s>", "model/chat_template.jinja");
    renderChat(chat, RowJson::parse(R"([{"role": "user", "content": "hi"}])"), true);
    return "";
  } catch (const Error &error) {
    EXPECT_EQ(error.status, Status::BadInput);
    return error.what();
  }
}

void expectSays(const std::string &source, const std::string &part) {
  std::string message = complaint(source);
  EXPECT_NE(message.find(part), std::string::npos) << source.substr(0, 200) << " gives: " << message;
}

TEST(Refused, ConstructsOutsideOfTheSubset) {
  expectSays("\n\n{% macro f(x) %}{% endmacro %}", "model/chat_template.jinja, line 3: statement `macro`");
  for (const char *statement :
       {"include 'x'", "import 'x' as x", "extends 'x'", "call f()", "filter upper", "do x", "with a = 1"})
    expectSays("{% " + std::string(statement) + " %}", "statement `");
  expectSays("{{ 1 }}\n{{ messages|sort }}", "line 2: filter `sort` is not supported");
  expectSays("{{ messages is escaped }}", "test `is escaped` is not supported");
  expectSays("{{ lipsum() }}", "function `lipsum`");
  expectSays("{{ ''.__class__.__mro__ }}", "`str.__class__` is undefined");
  expectSays("{{ 'a'.encode('utf-8') }}", "method `encode` of str");
  expectSays("{{ messages.append(1) }}", "method `append` of list");
  expectSays("{{ 2 ** 3 }}", "operator **");
  expectSays("{{ dict(*messages) }}", "arguments with *");
  expectSays("{% for x in messages recursive %}{% endfor %}", "recursive");
  expectSays("{{ 'a' * 3 }}", "`*` of str and int");
}

TEST(Refused, BrokenTemplates) {
  expectSays("a\n{% if true %}b", "line 2: `if` is never closed by `endif`");
  expectSays("{% for x in messages %}", "`for` is never closed");
  expectSays("{% endfor %}", "`endfor` closes nothing");
  expectSays("{{ 'abc }}", "never closed");
  expectSays("{{ 1", "never closed");
  expectSays("{# 1", "never closed");
  expectSays("{% raw %}", "never closed");
  expectSays("{{ (1 }}", "unexpected '}'");
  expectSays("{{ (1, 2 3) }}", "expected `)`, got `3`");
  expectSays("{{ 1 ) }}", "unexpected ')'");
  expectSays("{{ 1 + }}", "expected an expression");
  expectSays("{{ $ }}", "unexpected character '$'");
  expectSays("{% break %}", "outside of a loop");
  expectSays("{{ 99999999999999999999 }}", "below 2^63");
  expectSays("{{ '\\ud800' }}", "no character");
}

TEST(Refused, WhatAConversationLacks) {
  expectSays("{{ messages[3].content }}", "is undefined");
  expectSays("{{ 'a' + messages[0].name }}", "`dict.name` is undefined");
  expectSays("{{ 'a' + 1 }}", "`+` of str and int");
  expectSays("{{ nobody + 1 }}", "`nobody` is undefined");
  expectSays("{{ nobody.x }}", "`nobody` is undefined");
  expectSays("\n{{ raise_exception('no tools here') }}",
             "line 2: the template refuses the messages: no tools here");
  expectSays("{{ 1 / 0 }}", "division by zero");
  expectSays("{% set a, b = [1] %}", "expected 2 values");
  expectSays("{% set messages.x = 1 %}", "only attributes of namespace");
}

TEST(Refused, WorkAndMemoryWithoutEnd) {
  expectSays("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}", "without end");
  expectSays("{% for a in range(99999999) %}{% endfor %}", "range of more than");
  expectSays(
      "{% set ns = namespace(x='ab') %}{% for a in range(99) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
      "MiB");
  expectSays(
      "{% set ns = namespace(x=[1]) %}{% for a in range(99) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}"
      "{{ ns.x }}",
      "too large");
  expectSays("{% set ns = namespace(x=[1]) %}{% for a in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}",
             "too deep");
  expectSays(
      "{% set ns = namespace(x='aaaaaaaa') %}{% for a in range(9) %}{% set ns.x = ns.x.replace('a', ns.x) %}"
      "{% endfor %}",
      "without end");
  expectSays("{% set ns = namespace() %}{% set ns.x = [ns] %}", "namespace inside");
  expectSays("{{ " + std::string(5000, '(') + "1" + std::string(5000, ')') + " }}", "levels of nesting");
  expectSays(
      "{{ 1" +
          [] {
            std::string text;
            for (int i = 0; i < 5000; ++i)
              text += "+1";
            return text;
          }() +
          " }}",
      "levels of nesting");
  std::string open;
  for (int i = 0; i < 5000; ++i)
    open += "{% if true %}";
  expectSays(open, "levels of nesting");
  expectSays("{{ " + std::string(5000, '-') + "1 }}", "levels of nesting");
}

TEST(Refused, DamagedTemplatesAreErrorsAndNothingWorse) {
  const std::string good =
      "{% for m in messages if m.role != 'x' %}{%- set c = '<' ~ m['role'] + \">\\n\" + "
      "m.content|trim|replace('a', "
      "'b') %}{% if loop.first and not c[1:] == none %}{{ bos_token + c }}{# c #}{% elif c is defined %}{{ "
      "[1, "
      "{'k': c}]|tojson(indent=2) }}{% else %}{% raw %}{{{% endraw %}{% endif %}{% endfor %}";
  ASSERT_EQ(complaint(good), "");
  std::mt19937 random(7);
  int errors = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string text = good;
    for (unsigned edits = 1 + random() % 3; edits > 0; --edits) {
      size_t at = random() % text.size();
      if (random() % 2)
        text.erase(at, 1 + random() % 4);
      else
        text.insert(at, 1, "{}%#-+[]()'\"|.,:~ \n0ax"[random() % 22]);
    }
    errors += !complaint(text).empty();
  }
  EXPECT_GT(errors, 1000);
}

} // namespace
} // namespace mlora
