// A template as a tree.
#pragma once

#include "Value.h"

#include <memory>

namespace mlora::jinja {

struct Node;
using NodePtr = std::unique_ptr<Node>;

struct Node {
  enum class Kind {
    // expressions: `parts` are the operands
    Literal,     ///< value
    Name,        ///< text
    List,        ///< its items
    Map,         ///< key, value, key, value, …
    Attribute,   ///< parts[0].text
    Item,        ///< parts[0][parts[1]]
    Slice,       ///< parts[0][parts[1]:parts[2]:parts[3]], null where left out
    Call,        ///< parts[0](the others, keywords)
    Filter,      ///< parts[0] | text(the others, keywords)
    Test,        ///< parts[0] is text(the others)
    Unary,       ///< text is -, + or not
    Binary,      ///< text is an operator of arithmetic, `and` or `or`
    Compare,     ///< parts[0] operators[0] parts[1] operators[1] …
    Conditional, ///< parts[1] if parts[0] else parts[2] (null: undefined)
    // statements
    Text,     ///< text
    Output,   ///< parts[0]
    If,       ///< condition, body (a Body) in turn; the last condition is null for else
    For,      ///< names in parts[1], parts[2] its condition or null, parts[3] the body, parts[4] else or null
    Set,      ///< names = parts[0]; text: the attribute of a namespace
    SetBlock, ///< names = what parts[0] prints
    Generation, ///< parts[0], whose output is the assistant's
    Break,
    Continue,
    Body, ///< statements
  };

  Kind kind;
  int64_t line = 0;
  std::string text = {};
  Value value = {};
  std::vector<NodePtr> parts = {};
  std::vector<std::pair<std::string, NodePtr>> keywords = {};
  std::vector<std::string> names = {}; ///< targets of for and set; operators of Compare
  int64_t depth = 1;                   ///< levels of the tree below and with it
};

} // namespace mlora::jinja
