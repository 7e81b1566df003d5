#include "CudaDevice.h"

#include "mlora/Runtime/Core/Error.h"

#include <algorithm>
#include <cstring>

namespace mlora {
namespace {

/// Kept back for what CUDA takes by itself behind the check: cuBLASLt's kernels, which are loaded when they
/// first run, graphs and events.
constexpr int64_t reserveBytes = int64_t(256) << 20;

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

std::string mebibytes(int64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

/// What each value of `offload` that moves more would free.
std::string offloadAdvice(const Manifest &manifest, const Layout &layout) {
  std::string text;
  int64_t most = 0;
  for (const char *word : {"optimizer", "base", "all"}) {
    Offload wanted = Offload::of(word), known = layout.offload();
    bool keeps = (wanted.optimizer || !known.optimizer) && (wanted.base || !known.base);
    int64_t freed = layout.arenaBytes() - Layout(manifest, layout.capacity(), wanted).arenaBytes();
    bool isMore = freed > (std::string_view(word) == "all" ? most : 0);
    most = std::max(most, keeps ? freed : 0);
    if (keeps && isMore)
      text += std::string(text.empty() ? ", or offload=" : ", offload=") + word + ", which frees " +
              mebibytes(freed);
  }
  return text;
}

} // namespace

CudaDevice::CudaDevice(const cuda::Table &table, const Bundle &bundle, const Layout &layout)
    : table(table), manifest(bundle.manifest), layout(layout), context(table), arenaSize(layout.arenaBytes()),
      scratchSize(scratchOf(manifest, layout.capacity())),
      workspaceSize(hasProducts(manifest) ? CudaProducts::workspaceBytes : 0), stream(makeStream(table)),
      kernels(table, context, bundle), staging(table, stream.get()),
      products(table, stream.get(), CudaProducts::keptChoices(table, context)),
      sections(table, manifest, stream.get()), ring(table, manifest, layout, stream.get()),
      timer(table, stream.get()) {
  auto [free, total] = context.memory();
  if (arenaSize + scratchBytes() + scalarBytes() + reserveBytes > free)
    doesNotFit(free, total, "");
  auto allocate = [&, free = free, total = total](int64_t bytes, const char *name) {
    CudaMemory memory;
    cuda::Result result = tryMemory(table, bytes, name, memory);
    if (result == cuda::Result::OutOfMemory) // others take memory, too
      doesNotFit(free, total, name);
    check(table, result, "cuMemAlloc");
    return memory;
  };
  arena = allocate(arenaSize, "the arena");
  scratch = allocate(scratchSize, "scratch");
  workspace = allocate(workspaceSize, "the products' workspace");
  scalarMemory = allocate(scalarBytes(), "scalars");
  host = makeMapped(table, layout.hostBytes(), "the host's memory", hostAddress);
  ring.open(arena.get(), static_cast<const std::byte *>(host.get()));
  if (host.get())
    std::memset(host.get(), 0, size_t(layout.hostBytes()));
  if (workspaceSize > 0)
    products.open(workspace.get());
  if (arenaSize > 0)
    check(table, table.driver.memsetD8Async(arena.get(), 0, size_t(arenaSize), stream.get()),
          "cuMemsetD8Async");
}

/// What is still running ends before what it works on goes.
CudaDevice::~CudaDevice() { table.driver.streamSynchronize(stream.get()); }

void CudaDevice::doesNotFit(int64_t free, int64_t total, const std::string &refused) const {
  int64_t beside = scratchBytes() + scalarBytes() + reserveBytes, needed = arenaSize + beside;
  std::string text = "the program needs " + mebibytes(needed) + " of the GPU's memory (arena " +
                     mebibytes(arenaSize) + ", scratch " + mebibytes(scratchBytes()) + ", " +
                     mebibytes(reserveBytes) + " kept back for CUDA's own), and of " + context.name() +
                     "'s " + mebibytes(total) + " are " + mebibytes(free) + " free, " +
                     (refused.empty() ? mebibytes(needed - free) + " too few"
                                      : "of which the driver does not give " + refused) +
                     ": ";
  if (manifest.kind != "train")
    failed(text + "shorten the prompt or lower max_new_tokens (eval: lower max_length)");
  failed(text + "lower max_length (or per_device_train_batch_size), or give memory_budget=" +
         std::to_string(std::max<int64_t>(free - beside, 0) >> 20) +
         "MiB, with which activations are computed again instead of kept" + offloadAdvice(manifest, layout));
}

std::byte *CudaDevice::hostPlace(int64_t place, int64_t bytes, bool writes) {
  if (place < arenaSize)
    return nullptr;
  synchronize();
  std::byte *memory = static_cast<std::byte *>(host.get()) + (place - arenaSize);
  if (table.isEmulated())
    check(table, table.emulator.hostAccess(memory, size_t(bytes), writes), "pinned memory");
  return memory;
}

void CudaDevice::write(int64_t place, const void *from, int64_t bytes) {
  if (std::byte *memory = hostPlace(place, bytes, true))
    std::memcpy(memory, from, size_t(bytes));
  else
    staging.upload(arena.get() + cuda::DevicePointer(place), from, bytes);
}

void CudaDevice::write(int64_t place, int64_t bytes, int64_t granule, const Fill &fill) {
  if (std::byte *memory = hostPlace(place, bytes, true))
    fill(memory, 0, bytes);
  else
    staging.upload(arena.get() + cuda::DevicePointer(place), bytes, granule, fill);
}

void CudaDevice::read(void *to, int64_t place, int64_t bytes) {
  if (std::byte *memory = hostPlace(place, bytes, false))
    std::memcpy(to, memory, size_t(bytes));
  else
    staging.download(to, arena.get() + cuda::DevicePointer(place), bytes);
}

void CudaDevice::begin(std::span<const Scalars> scalars) {
  shown = scalars;
  ring.begin();
  staging.upload(scalarMemory.get(), scalars.data(), int64_t(scalars.size_bytes()));
}

void CudaDevice::replay(size_t section, const Scalars &scalars, const std::function<void()> &launches) {
  if (waitsForEach)
    return launches();
  sections.run(section, scalars, [&] {
    ring.begin(); // what an abandoned capture has copied into it was never copied
    launches();
  });
  products.saveChoices();
}

void CudaDevice::synchronize() { cuda::synchronize(table, stream.get()); }

/// A kernel may touch its own buffers, as far as there are rows, and nothing else of the arena.
void CudaDevice::showNextLaunch(LaunchBuffers buffers, const Scalars &scalars) const {
  std::vector<cuda::MemoryView> views;
  for (size_t i = 0; i < buffers.addresses.size(); ++i) {
    size_t number = size_t(buffers.numbers[i]);
    const Buffer &buffer = manifest.buffers[number];
    if (buffer.packed) {
      views.push_back(
          {placeOf(layout.offset(number, 0)), size_t(buffer.slots * layout.slotBytes(number)), buffer.name});
      continue;
    }
    for (int64_t slot = 0; slot < buffers.slots[i]; ++slot)
      views.push_back({reinterpret_cast<cuda::DevicePointer>(buffers.addresses[i]) +
                           cuda::DevicePointer(slot * layout.slotBytes(number)),
                       size_t(bytesOf(buffer.type) * buffer.elements(scalars)), buffer.name});
  }
  std::vector<cuda::DevicePointer> allocations = {arena.get()};
  if (hostAddress)
    allocations.push_back(hostAddress);
  check(table, table.emulator.showNextLaunch(std::move(allocations), std::move(views)),
        "the views of a launch");
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
  if (waitsForEach)
    cuda::synchronize(table, stream.get(), manifest.kernels[size_t(kernel)].name);
}

void CudaDevice::product(int number, LaunchBuffers buffers, int64_t rows) {
  const Kernel &kernel = manifest.kernels[size_t(number)];
  void *a = buffers.addresses[0], *w = buffers.addresses[1], *y = buffers.addresses[2];
  // Choosing may fail under capture. The same launches came before, so that all products are planned by then.
  if (sections.isCapturing() && !products.isPlanned(*kernel.library, rows, a, w, y))
    return sections.abandonCapture();
  products.run(*kernel.library, kernel.name, rows, a, w, y);
  if (waitsForEach)
    cuda::synchronize(table, stream.get(), kernel.name);
}

} // namespace mlora
