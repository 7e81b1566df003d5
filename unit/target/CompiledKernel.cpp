#include "CompiledKernel.h"

#include <cstdlib>
#include <dlfcn.h>
#include <fstream>
#include <iterator>

namespace mlora {

CompiledKernel::CompiledKernel(const std::string &arguments, const std::string &body,
                               const std::string &gemmOptions) {
  std::string pattern = (std::filesystem::temp_directory_path() / "mlora-kernel-XXXXXX").string();
  folder = mkdtemp(pattern.data());
  std::ofstream(folder / "kernel.mlir")
      << "func.func @kernel(" << arguments
      << ", %scalars: memref<4xi64>, %scratch: memref<?xi8>, %block: index) "
         "attributes {mlora.scratch_bytes = 4096 : i64} {\n"
         "%c0 = arith.constant 0 : index\n%c1 = arith.constant 1 : index\n"
         "%n0 = memref.load %scalars[%c0] : memref<4xi64>\n"
         "%n = arith.index_cast %n0 : i64 to index\n"
      << body << "\nreturn\n}\n";
  std::string object = (folder / "kernel.so").string(), log = (folder / "messages").string();
  std::string command = MLORA_BIN "/mlora-opt " + (folder / "kernel.mlir").string() +
                        " --mlora-vectorize --mlora-lower-gemm='" + gemmOptions +
                        "' --mlora-lower-to-llvm --mlora-emit-object=path=" + object + " -o /dev/null 2>" +
                        log;
  if (std::system(command.c_str()) != 0) {
    std::ifstream file(log);
    messages.assign(std::istreambuf_iterator<char>(file), {});
    return;
  }
  this->object = dlopen(object.c_str(), RTLD_NOW | RTLD_LOCAL);
  kernel = this->object ? reinterpret_cast<mlora_kernel>(dlsym(this->object, "kernel")) : nullptr;
  if (!kernel)
    messages = dlerror();
}

CompiledKernel::~CompiledKernel() {
  if (object)
    dlclose(object);
  std::filesystem::remove_all(folder);
}

void CompiledKernel::operator()(std::vector<void *> buffers, int64_t n, int64_t block) const {
  int64_t scalars[4] = {n, n, n, 0};
  alignas(64) static char scratch[4096];
  kernel(block, buffers.data(), scalars, scratch);
}

} // namespace mlora
