// The machine code of a bundle, loaded from a copy that nobody can change between the check and the load.
#pragma once

#include "mlora/Runtime/Program/Kernel.h"

#include <filesystem>
#include <string>

namespace mlora {

class SharedObject {
public:
  /// Copies the file into sealed memory, compares the copy's xxh3-128 with `hash` and loads the copy. Throws
  /// Error(Failed) when the file is not the user's own, is a symbolic link, or its hash differs.
  SharedObject(const std::filesystem::path &path, const std::string &hash);
  ~SharedObject();
  SharedObject(SharedObject &&other) noexcept;
  SharedObject(const SharedObject &) = delete;
  SharedObject &operator=(const SharedObject &) = delete;
  SharedObject &operator=(SharedObject &&) = delete;

  /// Throws Error(Failed) when there is no such symbol.
  mlora_kernel kernel(const std::string &symbol) const {
    return reinterpret_cast<mlora_kernel>(address(symbol));
  }
  /// The same of a kernel with another type: the emulator's.
  void *address(const std::string &symbol) const;
  int64_t bytes() const { return size; }

private:
  std::filesystem::path path;
  int descriptor = -1; ///< stays open: the loader tells objects apart by their name /proc/self/fd/N
  void *handle = nullptr;
  int64_t size = 0;
};

} // namespace mlora
