//===- ParsePTX.cpp - the instructions of inline assembly ------------------------------===//

#include "ParsePTX.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir::mlora;
using llvm::SmallVector;
using llvm::StringRef;

/// Splits at commas that no bracket or brace encloses.
static SmallVector<StringRef> splitOperands(StringRef text) {
  SmallVector<StringRef> parts;
  int depth = 0;
  size_t begin = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    depth += text[i] == '[' || text[i] == '{';
    depth -= text[i] == ']' || text[i] == '}';
    if (text[i] == ',' && depth == 0) {
      parts.push_back(text.slice(begin, i).trim());
      begin = i + 1;
    }
  }
  if (StringRef last = text.substr(begin).trim(); !last.empty())
    parts.push_back(last);
  return parts;
}

SmallVector<StringRef> mlir::mlora::partsOf(StringRef operand) {
  if (operand.size() >= 2 && (operand.front() == '[' || operand.front() == '{'))
    return splitOperands(operand.drop_front().drop_back());
  return {operand};
}

static std::string withoutComments(StringRef text) {
  std::string result;
  while (!text.empty()) {
    if (text.consume_front("//")) {
      text = text.drop_until([](char c) { return c == '\n'; });
    } else if (text.consume_front("/*")) {
      size_t end = text.find("*/");
      text = end == StringRef::npos ? "" : text.substr(end + 2);
    } else {
      result += llvm::isSpace(text.front()) ? ' ' : text.front();
      text = text.drop_front();
    }
  }
  return result;
}

SmallVector<PTXInstruction> mlir::mlora::parsePTX(StringRef text) {
  SmallVector<PTXInstruction> instructions;
  std::string clean = withoutComments(text);
  SmallVector<StringRef> statements;
  StringRef(clean).split(statements, ';');
  for (StringRef statement : statements) {
    // A brace at the start of a statement opens a block, one at its start or alone closes it.
    auto trim = [&] {
      statement = statement.trim();
      while (statement.consume_front("{") || statement.consume_front("}"))
        statement = statement.trim();
    };
    trim();
    while (true) { // labels
      StringRef label =
          statement.take_while([](char c) { return llvm::isAlnum(c) || c == '_' || c == '$' || c == '%'; });
      StringRef rest = statement.substr(label.size()).ltrim();
      if (label.empty() || !rest.starts_with(":") || rest.starts_with("::"))
        break;
      statement = rest.drop_front();
      trim();
    }
    if (statement.empty() || statement.starts_with(".reg"))
      continue;
    PTXInstruction instruction;
    if (statement.consume_front("@")) {
      instruction.predicate = statement.take_until(llvm::isSpace).str();
      statement = statement.drop_until(llvm::isSpace).ltrim();
    }
    instruction.name = statement.take_until(llvm::isSpace).str();
    for (StringRef operand : splitOperands(statement.drop_until(llvm::isSpace)))
      instruction.operands.push_back(operand.str());
    instructions.push_back(std::move(instruction));
  }
  return instructions;
}
