// Tokens to a tree, statement by statement.
#pragma once

#include "Ast.h"
#include "Lexer.h"

#include <initializer_list>

namespace mlora::jinja {

/// Levels that a tree may have: evaluation recurses over them.
constexpr int64_t mostLevels = 400;

/// The expressions of Jinja's grammar, in its order of precedence.
class ExpressionParser {
protected:
  ExpressionParser(std::vector<Token> tokens, std::string where)
      : tokens(std::move(tokens)), where(std::move(where)) {}

  NodePtr expression(); ///< with `a if b else c`
  NodePtr withoutCondition() { return disjunction(); }
  /// a, b, … as names.
  std::vector<std::string> targets();

  const Token &token() const { return tokens[at]; }
  bool isOperator(std::string_view text) const {
    return token().kind == TokenKind::Operator && token().text == text;
  }
  bool isName(std::string_view text) const { return token().kind == TokenKind::Name && token().text == text; }
  bool acceptOperator(std::string_view text);
  bool acceptName(std::string_view text);
  void expectOperator(std::string_view text);
  std::string expectName(const std::string &what);
  Token take() { return tokens[at++]; }
  [[noreturn]] void unexpected(const std::string &expected) const;

  /// Counts levels.
  NodePtr make(Node::Kind kind, int64_t line, std::string text = {}) const;
  void add(Node &node, NodePtr part) const;
  void deepen(Node &node, const Node *part) const;

  std::vector<Token> tokens;
  size_t at = 0;
  std::string where;

  /// A level of the parser's own recursion.
  struct Nesting {
    explicit Nesting(ExpressionParser &parser);
    ~Nesting() { --parser.nested; }
    ExpressionParser &parser;
  };

private:
  NodePtr disjunction();
  NodePtr conjunction();
  NodePtr negation();
  NodePtr comparison();
  NodePtr sum();
  NodePtr concatenation();
  NodePtr product();
  NodePtr power();
  NodePtr unary(bool withFilters);
  NodePtr primary();
  NodePtr literalString();
  NodePtr postfix(NodePtr node);
  NodePtr subscript(NodePtr node);
  NodePtr filters(NodePtr node);
  NodePtr test(NodePtr node);
  void arguments(Node &node);
  NodePtr bracketed(std::string_view end, Node::Kind kind);
  NodePtr chain(NodePtr (ExpressionParser::*next)(), std::initializer_list<std::string_view> operators);

  int64_t nested = 0;
};

/// The whole template as a Body. Throws Error(BadInput) that names the construct and its line.
NodePtr parseTemplate(std::string_view source, const std::string &where);

} // namespace mlora::jinja
