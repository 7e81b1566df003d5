// Statements.
#include "Parser.h"

#include <algorithm>
#include <array>

namespace mlora::jinja {

using Kind = Node::Kind;

namespace {

constexpr std::array ends = {"elif", "else", "endif", "endfor", "endset", "endgeneration"};

class TemplateParser : ExpressionParser {
public:
  TemplateParser(std::string_view source, const std::string &where)
      : ExpressionParser(tokenise(source, where), where) {}

  NodePtr run() {
    NodePtr body = statements();
    if (token().kind != TokenKind::End)
      refuse(where, token().line, "`" + tokens[at].text + "` closes nothing that is open");
    return body;
  }

private:
  /// Up to the end, or to the name of a tag that closes or parts a statement.
  NodePtr statements() {
    Nesting nesting(*this);
    NodePtr body = make(Kind::Body, token().line);
    while (true) {
      Token next = token();
      if (next.kind == TokenKind::Text) {
        add(*body, make(Kind::Text, next.line, take().text));
      } else if (next.kind == TokenKind::OutputBegin) {
        NodePtr output = make(Kind::Output, take().line);
        add(*output, tupleOrExpression());
        expect(TokenKind::OutputEnd, "}}");
        add(*body, std::move(output));
      } else if (next.kind == TokenKind::BlockBegin) {
        ++at;
        if (token().kind == TokenKind::Name && std::ranges::find(ends, token().text) != ends.end())
          return body;
        add(*body, statement());
      } else {
        return body;
      }
    }
  }

  void expect(TokenKind kind, const std::string &what) {
    if (token().kind != kind)
      unexpected("`" + what + "`");
    ++at;
  }

  void endTag() { expect(TokenKind::BlockEnd, "%}"); }

  /// The body of a statement, then the tag that closes it.
  NodePtr bodyUntil(const std::string &end, int64_t opened, const std::string &statement) {
    endTag();
    NodePtr body = statements();
    if (!acceptName(end))
      refuse(where, opened, "`" + statement + "` is never closed by `" + end + "`");
    endTag();
    return body;
  }

  NodePtr statement() {
    int64_t line = token().line;
    std::string name = expectName("a statement");
    if (name == "if")
      return ifStatement(line);
    if (name == "for")
      return forStatement(line);
    if (name == "set")
      return setStatement(line);
    if (name == "generation") {
      NodePtr node = make(Kind::Generation, line);
      add(*node, bodyUntil("endgeneration", line, name));
      return node;
    }
    if (name == "break" || name == "continue") {
      if (loops == 0)
        refuse(where, line, "`" + name + "` outside of a loop");
      endTag();
      return make(name == "break" ? Kind::Break : Kind::Continue, line);
    }
    refuse(where, line,
           "statement `" + name +
               "` is not supported (for, if, set, generation, break, continue and raw are)");
  }

  NodePtr ifStatement(int64_t line) {
    NodePtr node = make(Kind::If, line);
    add(*node, expression());
    while (true) {
      endTag();
      add(*node, statements());
      if (acceptName("elif")) {
        add(*node, expression());
      } else if (acceptName("else")) {
        add(*node, nullptr);
        add(*node, bodyUntil("endif", line, "if"));
        return node;
      } else if (acceptName("endif")) {
        endTag();
        return node;
      } else {
        refuse(where, line, "`if` is never closed by `endif`");
      }
    }
  }

  NodePtr forStatement(int64_t line) {
    NodePtr node = make(Kind::For, line);
    node->names = targets();
    if (!acceptName("in"))
      unexpected("`in`");
    add(*node, nullptr);
    add(*node, tupleOf(withoutCondition()));
    add(*node, acceptName("if") ? expression() : nullptr);
    if (isName("recursive"))
      refuse(where, token().line, "`recursive` loops are not supported");
    endTag();
    ++loops;
    add(*node, statements());
    --loops;
    bool hasElse = acceptName("else");
    if (hasElse) {
      endTag();
      add(*node, statements());
    } else {
      add(*node, nullptr);
    }
    if (!acceptName("endfor"))
      refuse(where, line, "`for` is never closed by `endfor`");
    endTag();
    return node;
  }

  NodePtr setStatement(int64_t line) {
    std::vector<std::string> names = targets();
    std::string attribute;
    if (acceptOperator("."))
      attribute = expectName("an attribute of a namespace");
    bool isBlock = token().kind == TokenKind::BlockEnd;
    if (isOperator("|"))
      refuse(where, line, "`set` with a filter over a block is not supported");
    NodePtr node = make(isBlock ? Kind::SetBlock : Kind::Set, line, attribute);
    node->names = std::move(names);
    if (isBlock) {
      if (!attribute.empty() || node->names.size() > 1)
        refuse(where, line, "`set` of a block takes one name");
      add(*node, bodyUntil("endset", line, "set"));
      return node;
    }
    expectOperator("=");
    add(*node, tupleOrExpression());
    endTag();
    return node;
  }

  /// `a, b` is a tuple.
  NodePtr tupleOrExpression() { return tupleOf(expression()); }

  NodePtr tupleOf(NodePtr first) {
    if (!isOperator(","))
      return first;
    NodePtr list = make(Kind::List, token().line);
    add(*list, std::move(first));
    while (acceptOperator(",")) {
      if (token().kind == TokenKind::BlockEnd || token().kind == TokenKind::OutputEnd)
        break;
      add(*list, expression());
    }
    return list;
  }

  int64_t loops = 0; ///< open ones
};

} // namespace

NodePtr parseTemplate(std::string_view source, const std::string &where) {
  return TemplateParser(source, where).run();
}

} // namespace mlora::jinja
