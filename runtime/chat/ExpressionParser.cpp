#include "Parser.h"

#include <charconv>

namespace mlora::jinja {

using Kind = Node::Kind;

ExpressionParser::Nesting::Nesting(ExpressionParser &parser) : parser(parser) {
  if (++parser.nested > mostLevels)
    refuse(parser.where, parser.token().line,
           "more than " + std::to_string(mostLevels) + " levels of nesting");
}

void ExpressionParser::unexpected(const std::string &expected) const {
  refuse(where, token().line, "expected " + expected + ", got `" + token().text + "`");
}

bool ExpressionParser::acceptOperator(std::string_view text) { return isOperator(text) && ++at; }
bool ExpressionParser::acceptName(std::string_view text) { return isName(text) && ++at; }

void ExpressionParser::expectOperator(std::string_view text) {
  if (!acceptOperator(text))
    unexpected("`" + std::string(text) + "`");
}

std::string ExpressionParser::expectName(const std::string &what) {
  if (token().kind != TokenKind::Name)
    unexpected(what);
  return take().text;
}

NodePtr ExpressionParser::make(Kind kind, int64_t line, std::string text) const {
  auto node = std::make_unique<Node>();
  node->kind = kind;
  node->line = line;
  node->text = std::move(text);
  return node;
}

void ExpressionParser::deepen(Node &node, const Node *part) const {
  if (part && part->depth >= node.depth)
    node.depth = part->depth + 1;
  if (node.depth > mostLevels)
    refuse(where, node.line, "more than " + std::to_string(mostLevels) + " levels of nesting");
}

void ExpressionParser::add(Node &node, NodePtr part) const {
  deepen(node, part.get());
  node.parts.push_back(std::move(part));
}

NodePtr ExpressionParser::expression() {
  Nesting nesting(*this);
  NodePtr node = disjunction();
  while (isName("if")) {
    NodePtr conditional = make(Kind::Conditional, take().line);
    add(*conditional, disjunction());
    add(*conditional, std::move(node));
    add(*conditional, acceptName("else") ? expression() : nullptr);
    node = std::move(conditional);
  }
  return node;
}

NodePtr ExpressionParser::chain(NodePtr (ExpressionParser::*next)(),
                                std::initializer_list<std::string_view> operators) {
  NodePtr left = (this->*next)();
  auto matches = [&] {
    for (std::string_view op : operators)
      if (token().text == op && (token().kind == TokenKind::Operator || token().kind == TokenKind::Name))
        return true;
    return false;
  };
  while (matches()) {
    Token op = take();
    NodePtr node = make(Kind::Binary, op.line, op.text);
    add(*node, std::move(left));
    add(*node, (this->*next)());
    left = std::move(node);
  }
  return left;
}

NodePtr ExpressionParser::disjunction() { return chain(&ExpressionParser::conjunction, {"or"}); }
NodePtr ExpressionParser::conjunction() { return chain(&ExpressionParser::negation, {"and"}); }
NodePtr ExpressionParser::sum() { return chain(&ExpressionParser::concatenation, {"+", "-"}); }
NodePtr ExpressionParser::concatenation() { return chain(&ExpressionParser::product, {"~"}); }
NodePtr ExpressionParser::product() { return chain(&ExpressionParser::power, {"*", "/", "//", "%"}); }

NodePtr ExpressionParser::negation() {
  if (!isName("not"))
    return comparison();
  Nesting nesting(*this);
  NodePtr node = make(Kind::Unary, take().line, "not");
  add(*node, negation());
  return node;
}

NodePtr ExpressionParser::comparison() {
  NodePtr first = sum(), node;
  while (true) {
    std::string op;
    for (std::string_view candidate : {"==", "!=", "<", "<=", ">", ">="})
      if (isOperator(candidate))
        op = candidate;
    if (isName("in"))
      op = "in";
    else if (isName("not") && tokens[at + 1].kind == TokenKind::Name && tokens[at + 1].text == "in") {
      op = "not in";
      ++at;
    }
    if (op.empty())
      return node ? std::move(node) : std::move(first);
    int64_t line = take().line;
    if (!node) {
      node = make(Kind::Compare, line);
      add(*node, std::move(first));
    }
    node->names.push_back(op);
    add(*node, sum());
  }
}

NodePtr ExpressionParser::power() {
  NodePtr left = unary(true);
  if (isOperator("**"))
    refuse(where, token().line, "operator ** is not supported");
  return left;
}

NodePtr ExpressionParser::unary(bool withFilters) {
  Nesting nesting(*this);
  NodePtr node;
  if (isOperator("-") || isOperator("+")) {
    Token op = take();
    node = make(Kind::Unary, op.line, op.text);
    add(*node, unary(false));
  } else {
    node = primary();
  }
  node = postfix(std::move(node));
  return withFilters ? filters(std::move(node)) : std::move(node);
}

NodePtr ExpressionParser::literalString() {
  NodePtr node = make(Kind::Literal, token().line);
  std::string text;
  while (token().kind == TokenKind::String) // neighbours are one
    text += take().text;
  node->value = {std::move(text)};
  return node;
}

NodePtr ExpressionParser::primary() {
  const Token &next = token();
  NodePtr node = make(Kind::Literal, next.line);
  const char *end = next.text.data() + next.text.size();
  switch (next.kind) {
  case TokenKind::Name:
    if (next.text == "true" || next.text == "True" || next.text == "false" || next.text == "False")
      node->value = {next.text[0] == 't' || next.text[0] == 'T'};
    else if (next.text != "none" && next.text != "None")
      node = make(Kind::Name, next.line, next.text);
    ++at;
    return node;
  case TokenKind::Integer: {
    int64_t value = 0;
    if (std::from_chars(next.text.data(), end, value).ec != std::errc())
      unexpected("a number below 2^63");
    node->value = {value};
    ++at;
    return node;
  }
  case TokenKind::Float: {
    double value = 0;
    std::from_chars(next.text.data(), end, value);
    node->value = {value};
    ++at;
    return node;
  }
  case TokenKind::String:
    return literalString();
  default:
    break;
  }
  if (acceptOperator("("))
    return bracketed(")", Kind::List);
  if (acceptOperator("["))
    return bracketed("]", Kind::List);
  if (acceptOperator("{"))
    return bracketed("}", Kind::Map);
  unexpected("an expression");
}

/// Behind an opening bracket. A parenthesis around one expression without a comma is that expression.
NodePtr ExpressionParser::bracketed(std::string_view end, Kind kind) {
  NodePtr node = make(kind, token().line);
  bool hasComma = end != ")";
  while (!isOperator(end)) {
    add(*node, expression());
    if (kind == Kind::Map) {
      expectOperator(":");
      add(*node, expression());
    }
    if (!acceptOperator(","))
      break;
    hasComma = true;
  }
  expectOperator(end);
  return hasComma || node->parts.empty() ? std::move(node) : std::move(node->parts[0]);
}

NodePtr ExpressionParser::postfix(NodePtr node) {
  while (true) {
    int64_t line = token().line;
    if (acceptOperator(".")) {
      if (token().kind != TokenKind::Name && token().kind != TokenKind::Integer)
        unexpected("an attribute's name");
      NodePtr attribute = make(Kind::Attribute, line, take().text);
      add(*attribute, std::move(node));
      node = std::move(attribute);
    } else if (acceptOperator("[")) {
      node = subscript(std::move(node));
    } else if (acceptOperator("(")) {
      NodePtr call = make(Kind::Call, line);
      add(*call, std::move(node));
      arguments(*call);
      node = std::move(call);
    } else {
      return node;
    }
  }
}

/// Behind `[`: one index, or a slice.
NodePtr ExpressionParser::subscript(NodePtr node) {
  int64_t line = token().line;
  NodePtr index = isOperator(":") ? nullptr : expression();
  bool isSlice = isOperator(":");
  NodePtr result = make(isSlice ? Kind::Slice : Kind::Item, line);
  add(*result, std::move(node));
  add(*result, std::move(index));
  for (int i = 0; isSlice && i < 2; ++i) {
    bool given = acceptOperator(":") && !isOperator(":") && !isOperator("]");
    add(*result, given ? expression() : nullptr);
  }
  expectOperator("]");
  return result;
}

/// Behind `(`, up to and with `)`.
void ExpressionParser::arguments(Node &node) {
  while (!isOperator(")")) {
    if (isOperator("*") || isOperator("**"))
      refuse(where, token().line, "arguments with * are not supported");
    if (token().kind == TokenKind::Name && tokens[at + 1].kind == TokenKind::Operator &&
        tokens[at + 1].text == "=") {
      std::string name = take().text;
      ++at;
      node.keywords.emplace_back(name, expression());
      deepen(node, node.keywords.back().second.get());
    } else if (!node.keywords.empty()) {
      refuse(where, token().line, "an argument without a name follows one with a name");
    } else {
      add(node, expression());
    }
    if (!acceptOperator(","))
      break;
  }
  expectOperator(")");
}

NodePtr ExpressionParser::filters(NodePtr node) {
  while (true) {
    if (acceptOperator("|")) {
      int64_t line = token().line;
      NodePtr filter = make(Kind::Filter, line, expectName("a filter's name"));
      add(*filter, std::move(node));
      if (acceptOperator("("))
        arguments(*filter);
      node = std::move(filter);
    } else if (isName("is")) {
      node = test(std::move(node));
    } else if (isOperator("(")) { // a call of what a filter gives
      unexpected("the end of the expression");
    } else {
      return node;
    }
  }
}

NodePtr ExpressionParser::test(NodePtr node) {
  int64_t line = take().line;
  bool negated = acceptName("not");
  NodePtr result = make(Kind::Test, line, expectName("a test's name"));
  add(*result, std::move(node));
  auto isWord = [&](std::string_view word) { return isName(word); };
  bool stops = isWord("else") || isWord("or") || isWord("and") || isWord("if") || isWord("is") ||
               isWord("in") || isWord("not");
  TokenKind kind = token().kind;
  if (acceptOperator("("))
    arguments(*result);
  else if (!stops && (kind == TokenKind::Name || kind == TokenKind::String || kind == TokenKind::Integer ||
                      kind == TokenKind::Float || isOperator("[") || isOperator("{")))
    add(*result, postfix(primary()));
  if (!negated)
    return result;
  NodePtr negation = make(Kind::Unary, line, "not");
  add(*negation, std::move(result));
  return negation;
}

std::vector<std::string> ExpressionParser::targets() {
  bool inParentheses = acceptOperator("(");
  std::vector<std::string> names = {expectName("a variable's name")};
  while (acceptOperator(","))
    names.push_back(expectName("a variable's name"));
  if (inParentheses)
    expectOperator(")");
  return names;
}

} // namespace mlora::jinja
