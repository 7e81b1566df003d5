#include "mlora/Runtime/Program/SharedObject.h"

#include "OwnFile.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Hash.h"

#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace fs = std::filesystem;

namespace mlora {
namespace {

[[noreturn]] void refuse(const fs::path &path, const std::string &what) {
  failed(path.string() + ": " + what);
}

/// A memory file with the content of `file`, sealed: from here on its bytes cannot change. Gives -1 and errno
/// on failure.
int sealedCopy(int file, off_t size) {
  int memory = memfd_create("mlora-program", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (memory < 0)
    return -1;
  off_t done = 0;
  while (done < size) {
    ssize_t count = sendfile(memory, file, &done, size_t(size - done));
    if (count <= 0) {
      close(memory);
      return -1;
    }
  }
  if (fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
    close(memory);
    return -1;
  }
  return memory;
}

std::string hashOf(int memory, size_t size) {
  void *bytes = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, memory, 0);
  if (bytes == MAP_FAILED)
    return "";
  std::string hash = hashHex(bytes, size);
  munmap(bytes, size);
  return hash;
}

} // namespace

SharedObject::SharedObject(const fs::path &path, const std::string &hash) : path(path) {
  int file = openOwnFile(path);
  struct stat status {};
  fstat(file, &status);
  size = status.st_size;
  descriptor = size > 0 ? sealedCopy(file, size) : -1;
  int error = errno;
  close(file);
  if (size == 0)
    refuse(path, "is empty");
  if (descriptor < 0)
    refuse(path, std::string("cannot be copied into memory: ") + std::strerror(error));
  if (hashOf(descriptor, size_t(size)) != hash) {
    close(descriptor);
    refuse(path, "its hash is not the one in the manifest");
  }
  handle = dlopen(("/proc/self/fd/" + std::to_string(descriptor)).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    std::string why = dlerror();
    close(descriptor);
    refuse(path, "cannot be loaded: " + why);
  }
}

SharedObject::SharedObject(SharedObject &&other) noexcept
    : path(std::move(other.path)), descriptor(std::exchange(other.descriptor, -1)),
      handle(std::exchange(other.handle, nullptr)), size(other.size) {}

SharedObject::~SharedObject() {
  if (handle)
    dlclose(handle);
  if (descriptor >= 0)
    close(descriptor);
}

void *SharedObject::address(const std::string &symbol) const {
  void *address = dlsym(handle, symbol.c_str());
  if (!address)
    refuse(path, "has no kernel " + symbol + ", which the manifest names");
  return address;
}

} // namespace mlora
