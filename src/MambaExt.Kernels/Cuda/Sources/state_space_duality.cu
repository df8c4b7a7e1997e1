// The Mamba-2 recurrence in chunks (Dao and Gu, "Transformers are SSMs", arXiv 2405.21060, section 6), forward and backward.
//
// A sequence is cut into chunks of 64 positions. What a position t of a chunk reads is
//     y_t = prefix_t S C_t + sum over s <= t of decay(s, t) (C_t B_s) d_s x_s
// with S the state before the chunk: matrix products, once the states between chunks are known.
//     scores        C_t B_s of each chunk, once for all heads of a group
//     states        what each chunk adds to the state; or, where that fills the device, the walk over the chunks in one kernel
//     combine       otherwise the walk over the chunks, an element of the state a thread
//     outputs       y, skip and gate; the same products again for the gradient of the gate
// Backward the gradient of the state walks from the last chunk to the first (states, combine), then
//     exchange      (x_s dy_t) decay(s, t) d_s, added over the heads of a group, and what it means for the decays
//     selections    gradients of B and C, heads of a group in turn, in a fixed number of splits that join adds up
//     inputs        gradients of x, and of d and D through x
//     step_gradients, parameter_gradients     gradients of dt, dt_bias, A, D: per chunk, then over chunks and batch in order
//
// Every product is a tile of 64 x 64 a block of 256 threads, 4 x 4 a thread in registers, operands staged through shared memory 16 deep
// while the next stage is on its way from memory. A stage costs a thread 2 shared loads for 16 multiply-adds a step.
//
// Decays are 2 to the sum of the logarithms between two positions, never a difference of sums. What does not count (a later
// position, another packed sequence) is left out by selection, not multiplied by zero: a number that is not finite stays with the
// positions that read it.

constexpr int Chunk = 64;           // positions
constexpr int Tile = 64;            // channels or states
constexpr int Stage = 16;           // steps of a product between two barriers
constexpr int Threads = 256;
constexpr int Pitch = Tile + 4;     // of a staged row: whole vectors, and neighbouring rows in other banks
constexpr int Quarter = 16;         // positions whose sums of logarithms are tabulated one by one
constexpr int WithinPitch = Quarter + 1;
constexpr int SumPitch = 17;

// Shared memory in elements, as the launcher counts it.
constexpr int StageElements = 2 * Stage * Pitch;
constexpr int StepElements = 4 * Chunk + Chunk * WithinPitch + 32 + 3 * Chunk;
constexpr int PairPitch = Chunk + 1;
constexpr int PairElements = Chunk * PairPitch;

// Blocks at once that a multiprocessor's registers are shared out to.
template <typename T> struct Blocks { static constexpr int value = sizeof(T) > 4 ? 1 : 2; };

template <typename T> struct ssd_arguments {
    typedef typename Wide<T>::type R;
    // Inputs. Strides are those of positions.
    const T* x; i64 x_stride;
    const T* dt; i64 dt_stride;
    const T* b; i64 b_stride;
    const T* c; i64 c_stride;
    const T* z; i64 z_stride;
    const R* a;
    const R* skip;
    const R* bias;
    const R* initial;
    const int* sequence;
    // Outputs.
    T* out; i64 out_stride;
    R* last;
    // Gradients.
    const T* grad_out; i64 grad_out_stride;
    T* grad_x; i64 grad_x_stride;
    T* grad_dt; i64 grad_dt_stride;
    T* grad_b; i64 grad_b_stride;
    T* grad_c; i64 grad_c_stride;
    T* grad_z; i64 grad_z_stride;
    const R* grad_last;
    R* grad_a;
    R* grad_skip;
    R* grad_bias;
    R* grad_initial;
    // Between kernels. K chunks, Q positions of a chunk.
    R* before;      // states before each chunk [B, K, H, P, N]
    R* after;       // gradients of the states after each chunk, likewise
    R* scores;      // [B, K, G, Q, Q]
    R* factors;     // decay over a chunk [B, K, H]; -1 where no state passes
    R* pairs;       // sums over the heads of a split [splits, B, K, G, Q, Q]
    R* partial_b;   // [splits, B, L, G, N]
    R* partial_c;
    R* crossing;    // [B, K, H, Q]
    R* reading;     // [tiles of N, B, K, H, Q]
    R* written;     // [tiles of P, B, K, H, Q]
    R* through;
    R* carried;     // [tiles of P, B, K, H]
    R* sums_a;      // [B, K, H]
    R* sums_bias;
    R* sums_skip;   // [B, K, H, P]
    i64 batch, length;
    double least, largest;
    int heads, width, states, groups;
    int softplus, skip_per_channel, splits, walk;

    __device__ i64 chunks() const { return (length + Chunk - 1) / Chunk; }
    __device__ int width_tiles() const { return (width + Tile - 1) / Tile; }
    __device__ int state_tiles() const { return (states + Tile - 1) / Tile; }
    __device__ int group_of(int head) const { return head / (heads / groups); }
    __device__ i64 state_elements() const { return static_cast<i64>(width) * states; }
};
