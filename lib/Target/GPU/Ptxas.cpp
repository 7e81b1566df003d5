//===- Ptxas.cpp - what ptxas says about kernels ------------------------------------===//

#include "mlora/Target/PTX.h"

#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"

using namespace mlir;
using namespace mlir::mlora;

std::optional<std::string> mlir::mlora::findPtxas() {
  if (auto path = llvm::sys::findProgramByName("ptxas"))
    return *path;
  if (auto path = llvm::sys::findProgramByName("ptxas", {"/usr/local/cuda/bin"}))
    return *path;
  return std::nullopt;
}

/// The number that `pattern` captures in `line`; 0 without one.
static int64_t captured(StringRef line, StringRef pattern) {
  SmallVector<StringRef> matches;
  int64_t number = 0;
  if (llvm::Regex(pattern).match(line, &matches))
    matches[1].getAsInteger(10, number);
  return number;
}

/// Kernels are named before what is said about them.
static std::vector<KernelResources> parse(StringRef messages) {
  std::vector<KernelResources> kernels;
  for (StringRef line : llvm::split(messages, '\n')) {
    SmallVector<StringRef> matches;
    if (llvm::Regex("Compiling entry function '([^']+)'").match(line, &matches)) {
      kernels.push_back({matches[1].str()});
    } else if (!kernels.empty() && line.contains("bytes stack frame")) {
      kernels.back().stackBytes = captured(line, "([0-9]+) bytes stack frame");
      kernels.back().spilledBytes =
          captured(line, "([0-9]+) bytes spill stores") + captured(line, "([0-9]+) bytes spill loads");
    } else if (!kernels.empty() && line.contains("Used ")) {
      kernels.back().registers = captured(line, "Used ([0-9]+) registers");
      kernels.back().sharedBytes = captured(line, "([0-9]+) bytes smem");
    }
  }
  return kernels;
}

FailureOr<std::vector<KernelResources>> mlir::mlora::assemble(Location location, StringRef ptxas,
                                                              StringRef ptx, const Chip &chip) {
  SmallString<128> source, messages, object;
  llvm::scope_exit removeFiles([&] {
    for (StringRef path : {StringRef(source), StringRef(messages), StringRef(object)})
      if (!path.empty())
        llvm::sys::fs::remove(path);
  });
  int file = -1;
  std::error_code error = llvm::sys::fs::createTemporaryFile("mlora", "ptx", file, source);
  if (!error) {
    llvm::raw_fd_ostream stream(file, /*shouldClose=*/true);
    stream << ptx;
    stream.close();
    error = stream.error();
    stream.clear_error();
  }
  if (!error)
    error = llvm::sys::fs::createTemporaryFile("mlora", "txt", messages);
  if (!error)
    error = llvm::sys::fs::createTemporaryFile("mlora", "cubin", object);
  if (error)
    return emitError(location) << "no temporary file for ptxas: " << error.message();
  std::string architecture = ("-arch=" + chip.name).str(), text;
  std::optional<StringRef> redirects[] = {StringRef(), StringRef(messages), StringRef(messages)};
  int status = llvm::sys::ExecuteAndWait(ptxas, {ptxas, "-v", architecture, source, "-o", object},
                                         std::nullopt, redirects, 0, 0, &text);
  if (auto said = llvm::MemoryBuffer::getFile(messages))
    text += (*said)->getBuffer();
  if (status != 0)
    return emitError(location) << ptxas << " refuses PTX for " << chip.name << ": " << text;
  return parse(text);
}
