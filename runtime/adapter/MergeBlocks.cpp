#include "MergeBlocks.h"

#include "RotaryRows.h"
#include "mlora/Runtime/Core/Blas.h"
#include "mlora/Runtime/Core/Error.h"
#include "mlora/Runtime/Core/Hash.h"

#include <algorithm>

namespace mlora {

MergeBlocks::MergeBlocks(const Checkpoint &base, const std::vector<const AdapterSource *> &adapters,
                         const MergeOptions &options, const MergePlan &plan, const std::filesystem::path &out)
    : base(base), options(options), plan(plan), update(AdapterSource::sum(adapters)) {
  for (const StoredFile &file : base.storedFiles())
    inputs.emplace(file.path, StreamFile::input(file.path));
  for (const PlannedFile &file : plan.files)
    for (const PlannedTensor &tensor : file.tensors)
      if (tensor.trained && !inputs.count(tensor.trained->file))
        inputs.emplace(tensor.trained->file, StreamFile::input(tensor.trained->file));
  for (const PlannedFile &file : plan.files) {
    outputs.push_back(StreamFile::output(out / file.name, file.bytes));
    outputs.back().write(0, file.head.data(), file.head.size());
  }
}

std::shared_ptr<MergeJob> MergeBlocks::makeJob(size_t fileIndex, const PlannedTensor &tensor) const {
  auto job = std::make_shared<MergeJob>();
  job->file = &plan.files[fileIndex];
  job->tensor = &tensor;
  job->fileIndex = fileIndex;
  int64_t rows = tensor.rows;
  if (!tensor.format) {
    job->blockRows = int64_t(4) << 20;
    rows = int64_t(tensor.bytes);
  } else {
    job->blockRows = std::max<int64_t>(1, options.blockValues / tensor.columns);
    // Whole heads where rows change places; whole blocks of any type in a vector.
    bool turns = tensor.turns(tensor.source) || (tensor.trained && tensor.turns(*tensor.trained));
    int64_t unit = tensor.columns == 1 ? 256 : turns ? base.config().headDim : 1;
    job->blockRows = (job->blockRows + unit - 1) / unit * unit;
  }
  job->blocks = std::max<int64_t>(1, (rows + job->blockRows - 1) / job->blockRows);
  job->left = job->blocks;
  job->sums.resize(static_cast<size_t>(job->blocks));
  return job;
}

uint64_t MergeBlocks::run(MergeJob &job, int64_t block, MergeBuffers &buffers) const {
  if (!job.tensor->format)
    return copy(job, block, buffers);
  const PlannedTensor &tensor = *job.tensor;
  int64_t first = block * job.blockRows, rows = std::min(job.blockRows, tensor.rows - first);
  int64_t columns = tensor.columns, count = rows * columns;
  readRows(tensor.source, tensor, first, rows, buffers, buffers.weight);
  StorePiece piece;
  piece.weight = buffers.weight.data();
  piece.count = count;
  if (tensor.updated()) {
    readUpdate(job, first, rows, buffers);
    piece.update = buffers.update.data();
    piece.result = tensor.trained ? buffers.trained.data() : nullptr;
    piece.stochastic = options.stochastic;
    // A head that is tied to the embedding, and stored, is rounded as that is.
    const std::string &name = tensor.trained ? tensor.trained->name : tensor.source.name;
    piece.key = static_cast<uint32_t>(hash64(name, options.seed));
    piece.first = first * columns;
  }
  const char *stored = storeName(*tensor.format);
  uint64_t offset = tensor.offset + storedSize(stored, first * columns), size = storedSize(stored, count);
  // Where a file puts values at odd bytes, they are made elsewhere, and the page cache copies them.
  piece.out = buffers.out.at(offset % sizeof(float) ? 0 : offset, size);
  bool overflow = false;
  job.sums[static_cast<size_t>(block)] = storePiece(*tensor.format, piece, overflow);
  if (overflow)
    badInput("tensor '" + tensor.name + "' holds values that " + stored +
             " cannot store (beyond 65504, or not finite): choose dtype bf16 or f32");
  outputs[job.fileIndex].write(offset, piece.out, size);
  return size;
}

uint64_t MergeBlocks::copy(MergeJob &job, int64_t block, MergeBuffers &buffers) const {
  const PlannedTensor &tensor = *job.tensor;
  uint64_t first = uint64_t(block * job.blockRows),
           size = std::min(uint64_t(job.blockRows), tensor.bytes - first);
  const void *bytes = tensor.literal.data() + first;
  if (!tensor.source.file.empty())
    bytes = inputs.at(tensor.source.file).read(tensor.source.offset + first, size, buffers.raw);
  outputs[job.fileIndex].write(tensor.offset + first, bytes, size);
  return size;
}

/// Rows of a stored tensor, in the order of the output's.
void MergeBlocks::readRows(const StoredTensor &source, const PlannedTensor &tensor, int64_t first,
                           int64_t rows, MergeBuffers &buffers, std::vector<float> &values) const {
  int64_t columns = tensor.columns, count = rows * columns;
  const uint8_t *raw = inputs.at(source.file)
                           .read(source.offset + storedSize(source.dtype, first * columns),
                                 storedSize(source.dtype, count), buffers.raw);
  values.resize(static_cast<size_t>(count));
  bool turns = tensor.turns(source);
  std::vector<float> &stored = turns ? buffers.turned : values;
  stored.resize(values.size());
  decodeStored(source.dtype, raw, count, stored.data());
  if (!turns)
    return;
  int64_t size = base.config().headDim;
  for (int64_t row = 0; row < rows; ++row) {
    int64_t from = tensor.neighbours ? halvesRow(row, size) : neighboursRow(row, size);
    std::copy_n(stored.data() + from * columns, columns, values.data() + row * columns);
  }
}

/// Δ into buffers.update: a product of factors, or how far the trained weight (buffers.trained) is from W.
void MergeBlocks::readUpdate(MergeJob &job, int64_t first, int64_t rows, MergeBuffers &buffers) const {
  const PlannedTensor &tensor = *job.tensor;
  buffers.update.resize(buffers.weight.size());
  if (tensor.trained) {
    readRows(*tensor.trained, tensor, first, rows, buffers, buffers.trained);
    for (size_t i = 0; i < buffers.update.size(); ++i)
      buffers.update[i] = buffers.trained[i] - buffers.weight[i];
    return;
  }
  std::call_once(job.loaded, [&] { job.factors = factorsOf(tensor); });
  int64_t rank = job.factors.rank;
  sgemm(false, false, rows, tensor.columns, rank, job.factors.b.data() + first * rank, rank,
        job.factors.a.data(), tensor.columns, buffers.update.data(), tensor.columns);
}

/// All adapters' as one, b in the output's order of rows.
LowRank MergeBlocks::factorsOf(const PlannedTensor &tensor) const {
  LowRank factors = update->factors(tensor.layer, tensor.target);
  if (tensor.neighbours)
    factors.b = rowsAsNeighbours(factors.b, factors.rank, base.config().headDim);
  return factors;
}

} // namespace mlora
