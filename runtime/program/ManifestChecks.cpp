#include "ManifestChecks.h"

#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Model/BlockFormats.h"

#include <algorithm>
#include <set>

namespace mlora {
namespace {

constexpr int64_t arenaAlignment = 64;

class Checker {
public:
  Checker(const Manifest &manifest, const std::string &where) : manifest(manifest), where(where) {}

  void run() {
    checkArena();
    for (size_t i = 0; i < manifest.buffers.size(); ++i)
      checkBuffer(manifest.buffers[i]);
    for (const Kernel &kernel : manifest.kernels)
      checkKernel(kernel);
    std::set<std::string> names;
    for (const Section &section : manifest.sections) {
      if (!names.insert(section.name).second)
        refuse("two sections are named " + section.name);
      checkSection(section);
    }
    for (const ParameterView &view : manifest.parameters)
      checkView(view);
  }

private:
  [[noreturn]] void refuse(const std::string &message) const { badInput(where + ": " + message); }

  /// Regions begin at multiples of 64 bytes, whatever the capacity.
  void checkArena() const {
    if (manifest.arena.fixed % arenaAlignment)
      refuse("arena: fixed must be a multiple of " + std::to_string(arenaAlignment));
    for (int64_t bytes : manifest.arena.perRow)
      if (bytes % (arenaAlignment / capacityStep))
        refuse("arena: bytes a row must be multiples of " + std::to_string(arenaAlignment / capacityStep));
    if (manifest.chunkBytes % (arenaAlignment / capacityStep))
      refuse("arena: chunk_rows must be a multiple of " + std::to_string(arenaAlignment / capacityStep));
    // Each chunk begins where the first one's rows are aligned.
    if (manifest.chunkRows % capacityStep)
      refuse("chunk_rows must be a multiple of " + std::to_string(capacityStep));
  }

  void checkBuffer(const Buffer &buffer) const {
    std::string name = "buffer " + buffer.name;
    bool hasRows = buffer.region >= 0;
    if (hasRows == buffer.isStatic())
      refuse(name + (hasRows ? ": has no run-time rows, but lies in a region of rows"
                             : ": has run-time rows, but lies in no region of rows"));
    if (std::count_if(buffer.shape.begin(), buffer.shape.end(), [](Extent e) { return !e.isStatic(); }) > 1)
      refuse(name + ": has more than one run-time extent");
    if (buffer.region == chunkRegion && !ofCountedRows(buffer))
      refuse(name + ": lies in chunk_rows, but its first extent is not counted_rows");
    // From here on of one row where it has rows: a region's capacity is at least that of what lies in it.
    int64_t elements = buffer.elements({.rows = 1, .countedRows = 1, .kvRows = 1});
    if (elements > buffer.slotBytes / bytesOf(buffer.type))
      refuse(name + ": its shape needs more than slot_bytes = " + std::to_string(buffer.slotBytes));
    if (buffer.offset % 4 || buffer.slotBytes % 4)
      refuse(name + ": offset and slot_bytes must be multiples of 4");
    // slots <= 2^16 and slot_bytes <= 2^46: no overflow in 128 bits, and none after this test in 64.
    __int128 end = __int128(buffer.offset) + __int128(buffer.slots) * buffer.slotBytes;
    int64_t region = hasRows ? manifest.regionBytes(buffer.region) : manifest.arena.fixed;
    if (end > region)
      refuse(name + " ends beyond its region of " + std::to_string(region) +
             (hasRows ? " bytes a row" : " bytes"));
    switch (buffer.role) {
    case Role::Weight:
      checkFileTensor(name, buffer);
      break;
    case Role::Parameter:
      checkTrainable(name, buffer);
      break;
    case Role::Gradient:
    case Role::Moment1:
    case Role::Moment2:
      checkTrainable(name, buffer);
      checkOf(name, buffer);
      break;
    default:
      break;
    }
  }

  static bool ofCountedRows(const Buffer &buffer) {
    return !buffer.shape.empty() && buffer.shape[0].scalar == countedRowsScalar;
  }

  void checkTrainable(const std::string &name, const Buffer &buffer) const {
    if (!buffer.isStatic() || buffer.type != ElementType::F32)
      refuse(name + ": a " + std::string(roleName(buffer.role)) + " must be f32 and of static shape");
  }

  void checkFileTensor(const std::string &name, const Buffer &buffer) const {
    if (!buffer.isStatic() || buffer.type == ElementType::I32)
      refuse(name + ": a weight must be f32, bf16 or bytes of blocks, and of static shape");
    if (buffer.tensors.empty())
      refuse(name + ": a weight must say its tensor");
    checkBlocks(name, buffer);
    for (const ParameterView &tensor : buffer.tensors) {
      if (buffer.slots > 1 && !namesLayer(tensor.name))
        refuse(name + ": has several slots, but its tensor " + tensor.name + " does not name the {layer}");
      checkInside(name + ": tensor " + tensor.name, tensor, buffer);
    }
  }

  /// Bytes are rows of whole blocks of one tensor, and of several formats one row more.
  void checkBlocks(const std::string &name, const Buffer &buffer) const {
    if ((buffer.type == ElementType::I8) == buffer.format.empty())
      refuse(name + ": a weight is of bytes where it has a format, and only there");
    if (buffer.format.empty())
      return;
    std::optional<BlockLayout> layout = BlockLayout::find(buffer.format);
    if (!layout)
      refuse(name + ": programs read no blocks of format '" + buffer.format + "'");
    std::vector<int64_t> shape = buffer.staticShape();
    if (shape.size() != 2 || !layout->columns(shape[1]) || shape[0] < layout->memoryRows(1) ||
        buffer.tensors.size() != 1 || buffer.tensors[0].shape != shape)
      refuse(name + ": blocks of " + buffer.format + " must be all rows of one tensor, each a multiple of " +
             std::to_string(layout->memoryRowBytes(layout->mostValues())) + " bytes");
  }

  void checkOf(const std::string &name, const Buffer &buffer) const {
    if (buffer.role == Role::Gradient && buffer.of < 0)
      return; // of a factor that lies inside a weight
    bool known = buffer.of >= 0 && size_t(buffer.of) < manifest.buffers.size();
    Role of = known ? manifest.buffers[size_t(buffer.of)].role : Role::Input;
    // G, the gradient of a factor B̃, is what the gradients of its branches and scalings are made of.
    if (of != Role::Parameter && !(of == Role::Factor && buffer.role == Role::Gradient))
      refuse(name + ": `of` must be the index of a parameter (of a gradient: or a factor)");
    const Buffer &parameter = manifest.buffers[size_t(buffer.of)];
    if (parameter.staticShape() != buffer.staticShape() || parameter.slots != buffer.slots)
      refuse(name + ": differs in shape or slots from its parameter " + parameter.name);
  }

  void checkKernel(const Kernel &kernel) const {
    if (kernel.library)
      return; // its numbers stand for themselves, its operands are checked where it is launched
    bool plain =
        !kernel.symbol.empty() && std::all_of(kernel.symbol.begin(), kernel.symbol.end(), [](char c) {
          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
                 c == '.' || c == '$';
        });
    if (!plain)
      refuse("kernel " + kernel.name + ": its symbol must be an identifier");
    if (!kernel.tensorMaps.empty() && manifest.target == "cpu")
      refuse("kernel " + kernel.name + ": tensor_maps are a GPU's, and the target is cpu");
    for (const TensorMap &map : kernel.tensorMaps)
      checkTensorMap(kernel, map);
  }

  /// What cuTensorMapEncodeTiled takes of what is known before a launch.
  void checkTensorMap(const Kernel &kernel, const TensorMap &map) const {
    constexpr int64_t elementBytes = 2, granule = 16, mostOfBox = 256;
    std::string name = "kernel " + kernel.name + ": the tensor map of argument " + std::to_string(map.buffer);
    if (map.swizzle != 0 && map.swizzle != 32 && map.swizzle != 64 && map.swizzle != 128)
      refuse(name + ": its swizzle must be 0, 32, 64 or 128 bytes");
    if (map.boxRows < 1 || map.boxRows > mostOfBox || map.boxColumns < 1 || map.boxColumns > mostOfBox)
      refuse(name + ": its box must have 1 to 256 rows and columns");
    int64_t rowBytes = map.boxColumns * elementBytes;
    if (rowBytes % granule || (map.swizzle && rowBytes > map.swizzle))
      refuse(name + ": a row of its box must be a multiple of 16 bytes, and no more than its swizzle");
    if (map.columns * elementBytes % granule)
      refuse(name + ": its rows must be a multiple of 16 bytes apart");
  }

  /// Maps are the parameters behind buffers, scalars and scratch; each is of a whole buffer.
  void checkTensorMaps(const Kernel &kernel, const Launch &launch) const {
    int64_t next = int64_t(launch.arguments.size()) + 2;
    for (const TensorMap &map : kernel.tensorMaps) {
      std::string name =
          "kernel " + kernel.name + ": the tensor map of argument " + std::to_string(map.buffer);
      if (map.argument != next)
        refuse(name + ": is parameter " + std::to_string(map.argument) + "; expected " +
               std::to_string(next) + ", behind the buffers, the scalars and scratch");
      ++next;
      if (size_t(map.buffer) >= launch.arguments.size())
        refuse(name + ": it is launched on " + std::to_string(launch.arguments.size()) + " buffers");
      const Buffer &buffer = manifest.buffers[size_t(launch.arguments[size_t(map.buffer)].buffer)];
      if (buffer.type != ElementType::BF16)
        refuse(name + ": buffer " + buffer.name + " is not bf16");
      if (buffer.shape.size() != 2 || buffer.shape[1].scalar != -1 || buffer.shape[1].size != map.columns ||
          buffer.shape[0].scalar != map.rows.scalar || buffer.shape[0].size != map.rows.size)
        refuse(name + ": buffer " + buffer.name + " has other rows or columns");
    }
  }

  void checkProduct(const Kernel &kernel, const Launch &launch) const {
    const LibraryProduct &product = *kernel.library;
    if (launch.arguments.size() != 3)
      refuse("product " + kernel.name + ": takes three buffers, a, w and y, not " +
             std::to_string(launch.arguments.size()));
    checkOperand(kernel, launch.arguments[0], 'a', product.type, product.m, product.k, product.lda);
    Extent weightRows{product.isTransposed ? product.k : product.n, -1};
    checkOperand(kernel, launch.arguments[1], 'w', product.type, weightRows,
                 product.isTransposed ? product.n : product.k, product.ldw);
    checkOperand(kernel, launch.arguments[2], 'y', product.resultType, product.m, product.n, product.ldy);
  }

  /// Its rows lie in the slot, whatever their number is at run time.
  void checkOperand(const Kernel &kernel, const Argument &argument, char letter, ElementType type,
                    Extent rows, int64_t columns, int64_t ld) const {
    const Buffer &buffer = manifest.buffers[size_t(argument.buffer)];
    std::string name =
        "product " + kernel.name + ": its operand " + letter + ", buffer " + buffer.name + ", ";
    if (buffer.type != type)
      refuse(name + "is of another type");
    if (argument.isAll)
      refuse(name + "must be one slot, not all of them");
    bool grows = !rows.isStatic();
    if (grows && (buffer.shape.empty() || buffer.shape[0].scalar != rows.scalar))
      refuse(name + "must have the product's rows as its first extent");
    if (!grows && buffer.region >= 0)
      refuse(name + "must be of static shape");
    // At least one row; a packed buffer's slots are one tensor. Below 2^16 · 2^46.
    __int128 room = __int128(buffer.slotBytes) * (buffer.packed ? buffer.slots : 1);
    __int128 needed = grows ? __int128(ld) : (rows.size > 0 ? __int128(rows.size - 1) * ld + columns : 0);
    if (needed * bytesOf(buffer.type) > room)
      refuse(name + "is smaller than what the product takes of it");
  }

  void checkSection(const Section &section) const {
    size_t launches = 0;
    for (const CommandLoop &loop : section.commands) {
      if (loop.inChunks && manifest.chunkRows == 0)
        refuse("section " + section.name + ": has a loop over chunks, but the program has no chunk_rows");
      launches += loop.body.size() * loop.layers().size();
      for (const Launch &launch : loop.body) {
        if (size_t(launch.kernel) >= manifest.kernels.size())
          refuse("section " + section.name + ": there is no kernel " + std::to_string(launch.kernel));
        for (const Argument &argument : launch.arguments)
          if (size_t(argument.buffer) >= manifest.buffers.size())
            refuse("section " + section.name + ": there is no buffer " + std::to_string(argument.buffer));
          else if (const Buffer &buffer = manifest.buffers[size_t(argument.buffer)];
                   buffer.region == chunkRegion && !loop.inChunks)
            refuse("section " + section.name + ": a launch outside of chunks takes buffer " + buffer.name +
                   ", which lies in chunk_rows");
        if (const Kernel &kernel = manifest.kernels[size_t(launch.kernel)]; kernel.library)
          checkProduct(kernel, launch);
        else
          checkTensorMaps(kernel, launch);
      }
    }
    if (launches > (size_t(1) << 24))
      refuse("section " + section.name + " has more launches than any model needs");
  }

  void checkView(const ParameterView &view) const {
    std::string name = "parameter " + view.name;
    if (size_t(view.buffer) >= manifest.buffers.size() ||
        manifest.buffers[size_t(view.buffer)].role != Role::Parameter)
      refuse(name + ": `buffer` must be the index of a parameter");
    const Buffer &buffer = manifest.buffers[size_t(view.buffer)];
    if (buffer.slots > 1 && !namesLayer(view.name))
      refuse(name + ": its buffer has several slots, but the name does not hold {layer}");
    checkInside(name, view, buffer);
  }

  void checkInside(const std::string &name, const ParameterView &view, const Buffer &buffer) const {
    if (view.shape.size() != view.strides.size())
      refuse(name + ": needs one stride a dimension");
    __int128 last = view.offset, elements = buffer.slotBytes / bytesOf(buffer.type);
    for (size_t i = 0; i < view.shape.size(); ++i) {
      if (view.shape[i] == 0)
        refuse(name + ": is empty");
      last += __int128(view.shape[i] - 1) * view.strides[i];
      if (last >= elements)
        refuse(name + " reaches beyond its slot");
    }
    if (last >= elements)
      refuse(name + " reaches beyond its slot");
  }

  const Manifest &manifest;
  const std::string &where;
};

} // namespace

void checkManifest(const Manifest &manifest, const std::string &where) { Checker(manifest, where).run(); }

} // namespace mlora
