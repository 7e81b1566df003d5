#include "CudaDevice.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Program/BundleCache.h"

#include <algorithm>

namespace mlora {
namespace {

/// Scratch in global memory: that of a kernel's blocks, shared by all launches, which run one after another.
int64_t scratchOf(const Manifest &manifest, const Scalars &capacity) {
  int64_t bytes = 0;
  for (const Kernel &kernel : manifest.kernels)
    bytes = std::max(bytes, kernel.scratchBytes * kernel.blocks(capacity));
  return bytes;
}

bool hasProducts(const Manifest &manifest) {
  return std::ranges::any_of(manifest.kernels,
                             [](const Kernel &kernel) { return kernel.library.has_value(); });
}

/// Kept in the cache's folder. The emulator has nothing to choose.
ProductChoices choicesFor(const cuda::Table &table, const CudaContext &context) {
  if (table.isEmulated() || !table.blas.version)
    return {};
  size_t version = table.blas.version();
  return {ProductChoices::fileFor(BundleCache::defaultFolder(), context.name(), version), context.name(), version};
}

std::string mebibytes(int64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

} // namespace

CudaDevice::CudaDevice(const cuda::Table &table, const Bundle &bundle, const Layout &layout)
    : table(table), manifest(bundle.manifest), layout(layout), context(table), arenaSize(layout.arenaBytes()),
      scratchSize(scratchOf(manifest, layout.capacity())),
      workspaceSize(hasProducts(manifest) ? CudaProducts::workspaceBytes : 0), stream(makeStream(table)),
      kernels(table, context, bundle), staging(table, stream.get()), products(table, stream.get(), choicesFor(table, context)),
      sections(table, manifest, stream.get()) {
  checkFits(layout);
  arena = makeMemory(table, arenaSize, "the arena");
  scratch = makeMemory(table, scratchSize, "scratch");
  workspace = makeMemory(table, workspaceSize, "the products' workspace");
  scalarMemory = makeMemory(table, scalarBytes(), "scalars");
  if (workspaceSize > 0)
    products.open(workspace.get());
  if (arenaSize > 0)
    check(table, table.driver.memsetD8Async(arena.get(), 0, size_t(arenaSize), stream.get()),
          "cuMemsetD8Async");
}

/// What is still running ends before what it works on goes.
CudaDevice::~CudaDevice() { table.driver.streamSynchronize(stream.get()); }

void CudaDevice::checkFits(const Layout &layout) const {
  auto [free, total] = context.memory();
  int64_t beside = scratchBytes() + scalarBytes(), needed = arenaSize + beside;
  if (needed <= free)
    return;
  std::string text = "the program needs " + mebibytes(needed) + " of the GPU's memory (arena " +
                     mebibytes(arenaSize) + ", scratch " + mebibytes(scratchBytes()) + "), and of " +
                     context.name() + "'s " + mebibytes(total) + " are " + mebibytes(free) + " free, " +
                     mebibytes(needed - free) + " too few: ";
  if (manifest.kind != "train")
    failed(text + "shorten the prompt or lower max_new_tokens");
  failed(text + "lower max_length (or per_device_train_batch_size), or give memory_budget=" +
         std::to_string(std::max<int64_t>(free - beside, 0) >> 20) +
         "MiB, with which activations are computed again instead of kept");
}

void CudaDevice::write(int64_t place, const void *from, int64_t bytes) {
  staging.upload(arena.get() + cuda::DevicePointer(place), from, bytes);
}

void CudaDevice::write(int64_t place, int64_t bytes, int64_t granule, const Fill &fill) {
  staging.upload(arena.get() + cuda::DevicePointer(place), bytes, granule, fill);
}

void CudaDevice::read(void *to, int64_t place, int64_t bytes) {
  staging.download(to, arena.get() + cuda::DevicePointer(place), bytes);
}

void CudaDevice::begin(std::span<const Scalars> scalars) {
  shown = scalars;
  staging.upload(scalarMemory.get(), scalars.data(), int64_t(scalars.size_bytes()));
}

void CudaDevice::replay(size_t section, const Scalars &scalars, const std::function<void()> &launches) {
  sections.run(section, scalars, launches);
}

void CudaDevice::synchronize() {
  check(table, table.driver.streamSynchronize(stream.get()), "cuStreamSynchronize");
}

/// A kernel may touch its own buffers, as far as there are rows, and nothing else of the arena.
void CudaDevice::showNextLaunch(LaunchBuffers buffers, const Scalars &scalars) const {
  std::vector<cuda::MemoryView> views;
  for (size_t i = 0; i < buffers.addresses.size(); ++i) {
    size_t number = size_t(buffers.numbers[i]);
    const Buffer &buffer = manifest.buffers[number];
    auto placeOf = [&](int64_t slot) { return layout.offset(number, slot); };
    if (buffer.packed) {
      views.push_back({arena.get() + cuda::DevicePointer(placeOf(0)),
                       size_t(placeOf(buffer.slots) - placeOf(0)), buffer.name});
      continue;
    }
    for (int64_t slot = 0; slot < buffers.slots[i]; ++slot)
      views.push_back({reinterpret_cast<cuda::DevicePointer>(buffers.addresses[i]) +
                           cuda::DevicePointer(placeOf(slot) - placeOf(0)),
                       size_t(bytesOf(buffer.type) * buffer.elements(scalars)), buffer.name});
  }
  check(table, table.emulator.showNextLaunch({arena.get()}, std::move(views)), "the views of a launch");
}

void CudaDevice::launch(int kernel, LaunchBuffers buffers, size_t scalars, int64_t blocks) {
  if (blocks == 0)
    return;
  if (table.isEmulated())
    showNextLaunch(buffers, shown[scalars]);
  std::vector<cuda::DevicePointer> parameters;
  for (void *address : buffers.addresses)
    parameters.push_back(reinterpret_cast<cuda::DevicePointer>(address));
  parameters.push_back(scalarMemory.get() + cuda::DevicePointer(scalars * sizeof(Scalars)));
  parameters.push_back(scratch.get());
  kernels.launch(kernel, parameters, shown[scalars], blocks, stream.get());
}

void CudaDevice::product(int number, LaunchBuffers buffers, int64_t rows) {
  const Kernel &kernel = manifest.kernels[size_t(number)];
  products.run(*kernel.library, kernel.name, rows, buffers.addresses[0], buffers.addresses[1],
               buffers.addresses[2],
               sections.isCapturing() ? CudaProducts::Choice::First : CudaProducts::Choice::Timed);
}

} // namespace mlora
