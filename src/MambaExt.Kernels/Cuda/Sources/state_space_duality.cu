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

// ---- Products ----

// A thread's 4 x 4 of a tile. A warp has 16 rows and 32 columns, so that a stage on the diagonal of a banded product concerns few warps.
struct Place {
    int row, column, strip;     // strip: which 16th of the columns
    __device__ Place() {
        int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
        row = warp / 2 * 16 + lane / 8 * 4;
        strip = warp % 2 * 8 + lane % 8;
        column = strip * 4;
    }
};

template <typename T> struct alignas(sizeof(T) > 4 ? 16 : 4 * sizeof(T)) Four { T at[4]; };

template <typename R> __device__ __forceinline__ void clear(R (&sum)[4][4]) {
#pragma unroll
    for (int i = 0; i < 4; i++)
#pragma unroll
        for (int j = 0; j < 4; j++) sum[i][j] = R(0);
}

// An operand is a function of (row or column, step). Along: neighbours in memory are neighbouring steps.
template <bool Along, typename R, typename Operand>
__device__ __forceinline__ void fetch(R (&held)[4], int first, int depth, Operand operand) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int e = threadIdx.x + i * Threads, k = first + (Along ? e % Stage : e / Tile), r = Along ? e / Stage : e % Tile;
        held[i] = k < depth ? operand(r, k) : R(0);
    }
}

template <bool Along, typename R> __device__ __forceinline__ void stage(const R (&held)[4], R* staged) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int e = threadIdx.x + i * Threads, k = Along ? e % Stage : e / Tile, r = Along ? e / Stage : e % Tile;
        staged[k * Pitch + r] = held[i];
    }
}

// The steps that count for each row of a thread: low to high, neither falling from row to row.
struct Band {
    int low[4], high[4];
    __device__ bool touches(int first) const { return first <= high[3] && first + Stage > low[0]; }
    __device__ bool covers(int first) const { return first >= low[3] && first + Stage - 1 <= high[0]; }
};

// sum[i][j] += sum over k of a(row + i, k) b(column + j, k); with a band, over its steps alone. All threads must come here.
template <bool AlongA, bool AlongB, bool Banded, typename R, typename A, typename B>
__device__ __forceinline__ void product(R (&sum)[4][4], R* staged, int depth, const Band& band, A a, B b) {
    Place place;
    R *stagedA = staged, *stagedB = staged + Stage * Pitch;
    R nextA[4], nextB[4];
    fetch<AlongA>(nextA, 0, depth, a);
    fetch<AlongB>(nextB, 0, depth, b);
    for (int first = 0; first < depth; first += Stage) {
        stage<AlongA>(nextA, stagedA);
        stage<AlongB>(nextB, stagedB);
        __syncthreads();
        if (first + Stage < depth) {
            fetch<AlongA>(nextA, first + Stage, depth, a);
            fetch<AlongB>(nextB, first + Stage, depth, b);
        }

        if (!Banded || band.covers(first)) {
#pragma unroll 2
            for (int k = 0; k < Stage; k++) {
                Four<R> u = *reinterpret_cast<const Four<R>*>(stagedA + k * Pitch + place.row);
                Four<R> v = *reinterpret_cast<const Four<R>*>(stagedB + k * Pitch + place.column);
#pragma unroll
                for (int i = 0; i < 4; i++)
#pragma unroll
                    for (int j = 0; j < 4; j++) sum[i][j] += u.at[i] * v.at[j];
            }
        } else if (band.touches(first)) {
#pragma unroll 2
            for (int k = 0; k < Stage; k++) {
                Four<R> u = *reinterpret_cast<const Four<R>*>(stagedA + k * Pitch + place.row);
                Four<R> v = *reinterpret_cast<const Four<R>*>(stagedB + k * Pitch + place.column);
#pragma unroll
                for (int i = 0; i < 4; i++)
                    if (first + k >= band.low[i] && first + k <= band.high[i])
#pragma unroll
                        for (int j = 0; j < 4; j++) sum[i][j] += u.at[i] * v.at[j];
            }
        }

        __syncthreads();
    }
}

template <bool AlongA, bool AlongB, typename R, typename A, typename B>
__device__ __forceinline__ void product(R (&sum)[4][4], R* staged, int depth, A a, B b) {
    product<AlongA, AlongB, false>(sum, staged, depth, Band(), a, b);
}

// Sums over the columns of a tile, in order: thread `row` below 64 gets that of its row. All threads must come here.
template <typename R> __device__ __forceinline__ R row_sum(const R (&parts)[4], R* memory) {
    Place place;
#pragma unroll
    for (int i = 0; i < 4; i++) memory[(place.row + i) * SumPitch + place.strip] = parts[i];
    __syncthreads();
    R sum = R(0);
    if (threadIdx.x < Tile)
        for (int j = 0; j < 16; j++) sum += memory[threadIdx.x * SumPitch + j];
    __syncthreads();
    return sum;
}

// Sums over the rows of a tile, likewise.
template <typename R> __device__ __forceinline__ R column_sum(const R (&parts)[4], R* memory) {
    Place place;
#pragma unroll
    for (int j = 0; j < 4; j++) memory[(place.column + j) * SumPitch + place.row / 4] = parts[j];
    __syncthreads();
    R sum = R(0);
    if (threadIdx.x < Tile)
        for (int i = 0; i < 16; i++) sum += memory[threadIdx.x * SumPitch + i];
    __syncthreads();
    return sum;
}

// Sum over the threads of a block, for thread 0.
template <typename R> __device__ __forceinline__ R block_sum(R value, R* memory) {
    memory[threadIdx.x] = value;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) memory[threadIdx.x] += memory[threadIdx.x + half];
        __syncthreads();
    }

    R sum = memory[0];
    __syncthreads();
    return sum;
}

// Four neighbours of a row, as one access where they lie so.
template <typename T> __device__ __forceinline__ bool whole(const T* p, int count) {
    return count >= 4 && reinterpret_cast<unsigned long long>(p) % sizeof(Four<T>) == 0;
}

template <typename T, typename R> __device__ __forceinline__ void load_four(const T* p, int count, R (&values)[4]) {
    if (whole(p, count)) {
        Four<T> four = *reinterpret_cast<const Four<T>*>(p);
#pragma unroll
        for (int j = 0; j < 4; j++) values[j] = load(&four.at[j]);
    } else {
#pragma unroll
        for (int j = 0; j < 4; j++) values[j] = j < count ? load(p + j) : R(0);
    }
}

template <typename T, typename R> __device__ __forceinline__ void store_four(T* p, int count, const R (&values)[4]) {
    if (whole(p, count)) {
        Four<T> four;
#pragma unroll
        for (int j = 0; j < 4; j++) store(&four.at[j], values[j]);
        *reinterpret_cast<Four<T>*>(p) = four;
    } else {
#pragma unroll
        for (int j = 0; j < 4; j++)
            if (j < count) store(p + j, values[j]);
    }
}

// ---- Chunks, steps and decays ----

// One chunk of one batch entry.
struct Span {
    i64 row;                    // its first position among those of the batch
    int batch, index, length;   // neither number exceeds a grid
    template <typename G> __device__ Span(const G& g, i64 entry, i64 chunk) : row(entry * g.length + chunk * Chunk), batch(entry), index(chunk) {
        i64 left = g.length - chunk * Chunk;
        length = left < Chunk ? static_cast<int>(left) : Chunk;
    }

    // Where the chunk's own numbers lie, per head or per group.
    template <typename G> __device__ i64 of(const G& g, int parts, int part) const { return (batch * g.chunks() + index) * parts + part; }
};

// What a chunk of one head needs of its steps, in shared memory.
template <typename R> struct Steps {
    R *step, *slope, *log, *head, *within, *middle;
    int *begin, *end, *change;

    __device__ explicit Steps(R* memory) {
        step = memory;
        slope = step + Chunk;
        log = slope + Chunk;                        // of the decay from the position before, base 2
        head = log + Chunk;                         // sum from the quarter's first position to this one
        within = head + Chunk;                      // [t, s]: sum behind s up to t, both of one quarter
        middle = within + Chunk * WithinPitch;      // [i, j]: sum of the quarters behind i - 1 and before j
        begin = reinterpret_cast<int*>(middle + 32);    // first position that reaches t; -1 where the state before the chunk does
        end = begin + Chunk;                            // last position that s reaches
        change = end + Chunk;
    }

    // Logarithm of the decay from s to t, s <= t.
    __device__ R between(int s, int t) const {
        int i = s / Quarter, j = t / Quarter;
        return i == j ? within[t * WithinPitch + s % Quarter] : tail(s) + middle[(i + 1) * 5 + j] + head[t];
    }

    __device__ R tail(int s) const { return within[(s | (Quarter - 1)) * WithinPitch + s % Quarter]; }
    __device__ R prefix(int t) const { return exp2_of(middle[t / Quarter] + head[t]); }
    __device__ R suffix(int s) const { return exp2_of(tail(s) + middle[(s / Quarter + 1) * 5 + 4]); }
    __device__ R total() const { return exp2_of(middle[4]); }

    __device__ bool pair(int s, int t) const { return s <= t && s >= begin[t]; }
    __device__ R decay(int s, int t) const { return exp2_of(between(s, t)); }
    __device__ bool reads(int t) const { return begin[t] < 0; }
    __device__ bool remains(int s, int length) const { return s < length && s >= begin[length - 1]; }

    // Rows read, steps write, or the other way round.
    __device__ Band earlier(int row) const {
        Band band;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            band.low[i] = begin[row + i];
            band.high[i] = row + i;
        }

        return band;
    }

    __device__ Band later(int row) const {
        Band band;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            band.low[i] = row + i;
            band.high[i] = end[row + i];
        }

        return band;
    }
};

// Fills in the steps of a head. All threads must come here; nobody may still read those of another.
template <typename G, typename R> __device__ __forceinline__ void discretize(const G& g, const Span& span, int head, const Steps<R>& steps) {
    int t = threadIdx.x;
    __syncthreads();
    if (t < Chunk) {
        R step = R(0), slope = R(1), rate = g.a[head] * log2e<R>();
        int change = 0;
        if (t < span.length) {
            step = load(g.dt + (span.row + t) * g.dt_stride + head) + (g.bias ? g.bias[head] : R(0));
            if (g.softplus) {
                slope = step > R(20) ? R(1) : sigmoid(step);
                step = softplus(step);
            }

            R least = static_cast<R>(g.least), largest = static_cast<R>(g.largest);
            if (step < least || step > largest) {
                step = step < least ? least : largest;
                slope = R(0);
            }

            change = g.sequence && span.index + t > 0 && g.sequence[span.row + t] != g.sequence[span.row + t - 1];
        }

        steps.step[t] = step;
        steps.slope[t] = slope;
        steps.log[t] = t < span.length ? step * rate : R(0);
        steps.change[t] = change;
    }

    __syncthreads();
    if (t < Chunk) {
        int quarter = t - t % Quarter, begin = -1, end = span.length - 1;
        R sum = R(0);
        for (int s = t; s >= quarter; s--) {
            steps.within[t * WithinPitch + s - quarter] = sum;
            sum += steps.log[s];
        }

        steps.head[t] = sum;
        if (g.sequence) {
            for (int s = 0; s < span.length; s++) {
                if (steps.change[s]) {
                    begin = s <= t ? s : begin;
                    end = s > t && s - 1 < end ? s - 1 : end;
                }
            }
        }

        steps.begin[t] = t < span.length ? begin : Chunk;
        steps.end[t] = end;
    }

    __syncthreads();
    if (t < 25) {
        R sum = R(0);
        for (int quarter = t / 5; quarter < t % 5; quarter++) sum += steps.head[quarter * Quarter + Quarter - 1];
        steps.middle[t] = sum;
    }

    __syncthreads();
}

template <typename R> __device__ __forceinline__ R silu(R x) { return x * sigmoid(x); }

// Gradient of y + D x.
template <typename G> __device__ __forceinline__ typename G::R gated_gradient(const G& g, i64 row, i64 channel) {
    typename G::R value = load(g.grad_out + row * g.grad_out_stride + channel);
    return g.z ? value * silu(load(g.z + row * g.z_stride + channel)) : value;
}

template <typename G, typename R> __device__ __forceinline__ void gated_four(const G& g, i64 row, i64 channel, int count, R (&values)[4]) {
    load_four(g.grad_out + row * g.grad_out_stride + channel, count, values);
    if (g.z) {
        R z[4];
        load_four(g.z + row * g.z_stride + channel, count, z);
#pragma unroll
        for (int j = 0; j < 4; j++) values[j] *= silu(z[j]);
    }
}

// A head's skip of channel p.
template <typename G> __device__ __forceinline__ typename G::R skip_of(const G& g, int head, int p) {
    return !g.skip || p >= g.width ? typename G::R(0) : g.skip[g.skip_per_channel ? static_cast<i64>(head) * g.width + p : head];
}

// ---- Forward ----

// A block: a chunk and a group.
template <typename T> __global__ void __launch_bounds__(Threads, Blocks<T>::value) ssd_scores(const ssd_arguments<T> g) {
    typedef typename Wide<T>::type R;
    SHARED_MEMORY(R, memory);
    Place place;
    int group = blockIdx.x % g.groups;
    i64 chunk = blockIdx.x / g.groups;
    Span span(g, chunk / g.chunks(), chunk % g.chunks());
    const T* c = g.c + span.row * g.c_stride + static_cast<i64>(group) * g.states;
    const T* b = g.b + span.row * g.b_stride + static_cast<i64>(group) * g.states;
    R sum[4][4];
    clear(sum);
    product<true, true>(
        sum, memory, g.states, [&](int t, int n) { return t < span.length ? load(c + t * g.c_stride + n) : R(0); },
        [&](int s, int n) { return s < span.length ? load(b + s * g.b_stride + n) : R(0); });
    R* to = g.scores + span.of(g, g.groups, group) * Chunk * Chunk;
#pragma unroll
    for (int i = 0; i < 4; i++) store_four(to + (place.row + i) * Chunk + place.column, 4, sum[i]);
}

// What a chunk adds to the state [p, n], or to its gradient. A block: a tile of a head's state; of one chunk, or walking over all.
template <typename T, bool Gradient> __global__ void __launch_bounds__(Threads, Blocks<T>::value) ssd_states(const ssd_arguments<T> g) {
    typedef typename Wide<T>::type R;
    SHARED_MEMORY(R, memory);
    Steps<R> steps(memory + StageElements);
    Place place;
    i64 block = blockIdx.x, chunks = g.chunks();
    int n0 = block % g.state_tiles() * Tile;
    block /= g.state_tiles();
    int p0 = block % g.width_tiles() * Tile;
    block /= g.width_tiles();
    int head = block % g.heads, group = g.group_of(head);
    block /= g.heads;
    i64 count = g.walk ? chunks : 1, batch = g.walk ? block : block / chunks, only = g.walk ? 0 : block % chunks;
    i64 channel = static_cast<i64>(head) * g.width + p0, selection = static_cast<i64>(group) * g.states + n0;
    i64 tile = static_cast<i64>(p0) * g.states + n0, own = (batch * g.heads + head) * g.state_elements() + tile;
    int columns = g.states - n0 - place.column;
    R* slots = Gradient ? g.after : g.before;
    const R* arriving = Gradient ? g.grad_last : g.initial;
    R* leaving = Gradient ? g.grad_initial : g.last;
    R state[4][4];
    clear(state);
    if (g.walk && arriving) {
#pragma unroll
        for (int i = 0; i < 4; i++)
            if (p0 + place.row + i < g.width) load_four(arriving + own + static_cast<i64>(place.row + i) * g.states + place.column, columns, state[i]);
    }

    for (i64 i = 0; i < count; i++) {
        i64 index = g.walk ? (Gradient ? chunks - 1 - i : i) : only;
        Span span(g, batch, index);
        i64 at = span.of(g, g.heads, head);
        R* slot = slots + at * g.state_elements() + tile;
        if (g.walk) {
#pragma unroll
            for (int r = 0; r < 4; r++)
                if (p0 + place.row + r < g.width) store_four(slot + static_cast<i64>(place.row + r) * g.states + place.column, columns, state[r]);
            if (i == count - 1 && !leaving) break;
        }

        discretize(g, span, head, steps);
        bool passes = steps.reads(span.length - 1);
        R factor = steps.total();

        // Positions whose input is in the state after the chunk, or that read the state before it.
        int low = 0, high = span.length;
        if (!Gradient && !passes) low = steps.begin[span.length - 1];
        if (Gradient && !passes)
            for (high = 0; steps.reads(high);) high++;
        R* weights = steps.slope;
        if (threadIdx.x < Chunk) weights[threadIdx.x] = Gradient ? steps.prefix(threadIdx.x) : steps.suffix(threadIdx.x) * steps.step[threadIdx.x];
        __syncthreads();
        R sum[4][4];
        clear(sum);
        product<false, false>(
            sum, memory, high - low,
            [&](int p, int k) {
                int t = low + k;
                if (p0 + p >= g.width) return R(0);
                return weights[t] * (Gradient ? gated_gradient(g, span.row + t, channel + p) : load(g.x + (span.row + t) * g.x_stride + channel + p));
            },
            [&](int n, int k) {
                i64 row = span.row + low + k;
                return n0 + n < g.states ? load((Gradient ? g.c + row * g.c_stride : g.b + row * g.b_stride) + selection + n) : R(0);
            });
#pragma unroll
        for (int r = 0; r < 4; r++) {
            if (!g.walk && p0 + place.row + r < g.width) store_four(slot + static_cast<i64>(place.row + r) * g.states + place.column, columns, sum[r]);
#pragma unroll
            for (int j = 0; j < 4; j++) state[r][j] = passes ? fma(factor, state[r][j], sum[r][j]) : sum[r][j];
        }

        if (!g.walk && p0 == 0 && n0 == 0 && threadIdx.x == 0) g.factors[at] = passes ? factor : R(-1);
    }

    if (g.walk && leaving) {
#pragma unroll
        for (int i = 0; i < 4; i++)
            if (p0 + place.row + i < g.width) store_four(leaving + own + static_cast<i64>(place.row + i) * g.states + place.column, columns, state[i]);
    }
}

// From what each chunk adds to the states before the chunks, or to the gradients after them, in place. Same arithmetic as the walk.
template <typename R, bool Gradient> __global__ void __launch_bounds__(Threads) ssd_combine(const ssd_arguments<R> g) {
    i64 elements = g.state_elements(), parts = (elements + Threads - 1) / Threads;
    i64 entry = blockIdx.x / parts, e = blockIdx.x % parts * Threads + threadIdx.x, chunks = g.chunks(), batch = entry / g.heads, head = entry % g.heads;
    if (e >= elements) return;
    R* slots = Gradient ? g.after : g.before;
    const R* arriving = Gradient ? g.grad_last : g.initial;
    R* leaving = Gradient ? g.grad_initial : g.last;
    R state = arriving ? arriving[entry * elements + e] : R(0);
#pragma unroll 4
    for (i64 i = 0; i < chunks; i++) {
        i64 at = (batch * chunks + (Gradient ? chunks - 1 - i : i)) * g.heads + head;
        R* slot = slots + at * elements + e;
        R added = *slot, factor = g.factors[at];
        *slot = state;
        state = factor < R(0) ? added : fma(factor, state, added);
    }

    if (leaving) leaving[entry * elements + e] = state;
}

// A block: a chunk of a head, a tile of its channels. Forward it writes out; for the gradient it computes y again and writes that of z.
template <typename T, bool Gradient> __global__ void __launch_bounds__(Threads, Blocks<T>::value) ssd_outputs(const ssd_arguments<T> g) {
    typedef typename Wide<T>::type R;
    SHARED_MEMORY(R, memory);
    Steps<R> steps(memory + StageElements);
    Place place;
    i64 block = blockIdx.x;
    int p0 = block % g.width_tiles() * Tile;
    block /= g.width_tiles();
    int head = block % g.heads, group = g.group_of(head);
    block /= g.heads;
    Span span(g, block / g.chunks(), block % g.chunks());
    i64 channel = static_cast<i64>(head) * g.width + p0;
    discretize(g, span, head, steps);
    R sum[4][4];
    clear(sum);
    if (steps.reads(0) && (span.index > 0 || g.initial)) {
        const T* c = g.c + span.row * g.c_stride + static_cast<i64>(group) * g.states;
        const R* state = g.before + span.of(g, g.heads, head) * g.state_elements() + static_cast<i64>(p0) * g.states;
        product<true, true>(
            sum, memory, g.states, [&](int t, int n) { return t < span.length ? load(c + t * g.c_stride + n) : R(0); },
            [&](int p, int n) { return p0 + p < g.width ? state[static_cast<i64>(p) * g.states + n] : R(0); });
#pragma unroll
        for (int i = 0; i < 4; i++) {
            bool reads = steps.reads(place.row + i);
            R prefix = steps.prefix(place.row + i);
#pragma unroll
            for (int j = 0; j < 4; j++) sum[i][j] = reads ? sum[i][j] * prefix : R(0);
        }
    }

    const R* scores = g.scores + span.of(g, g.groups, group) * Chunk * Chunk;
    const T* x = g.x + span.row * g.x_stride + channel;
    product<true, false, true>(
        sum, memory, span.length, steps.earlier(place.row),
        [&](int t, int s) { return steps.pair(s, t) ? scores[t * Chunk + s] * steps.decay(s, t) * steps.step[s] : R(0); },
        [&](int p, int s) { return p0 + p < g.width ? load(x + s * g.x_stride + p) : R(0); });
    int columns = g.width - p0 - place.column;
    R skip[4];
#pragma unroll
    for (int j = 0; j < 4; j++) skip[j] = skip_of(g, head, p0 + place.column + j);
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int t = place.row + i;
        if (t >= span.length || columns <= 0) continue;
        i64 at = channel + place.column;
        R z[4], row[4];
        load_four(x + t * g.x_stride + place.column, columns, row);
#pragma unroll
        for (int j = 0; j < 4; j++) row[j] = g.skip ? sum[i][j] + skip[j] * row[j] : sum[i][j];
        if (g.z) load_four(g.z + (span.row + t) * g.z_stride + at, columns, z);
        if (Gradient) {
            R grad[4];
            load_four(g.grad_out + (span.row + t) * g.grad_out_stride + at, columns, grad);
#pragma unroll
            for (int j = 0; j < 4; j++) {
                R gate = sigmoid(z[j]);
                row[j] *= grad[j] * (gate + z[j] * gate * (R(1) - gate));
            }

            store_four(g.grad_z + (span.row + t) * g.grad_z_stride + at, columns, row);
        } else {
            if (g.z)
#pragma unroll
                for (int j = 0; j < 4; j++) row[j] *= silu(z[j]);
            store_four(g.out + (span.row + t) * g.out_stride + at, columns, row);
        }
    }
}

// ---- Backward ----

// Heads [first, end) of a group that one split takes.
struct Split {
    int index, first, end;
    template <typename G> __device__ Split(const G& g, int index, int group) : index(index) {
        int heads = g.heads / g.groups;
        first = group * heads + index * heads / g.splits;
        end = group * heads + (index + 1) * heads / g.splits;
    }
};

// (x_s dy_t) decay(s, t) d_s over the heads of a split [t, s], and per head what crosses from before k to k and later within the chunk:
// for each t a running sum over s, then for each k the sum over t. A block: a chunk, a group, a split.
template <typename T> __global__ void __launch_bounds__(Threads, Blocks<T>::value) ssd_exchange(const ssd_arguments<T> g) {
    typedef typename Wide<T>::type R;
    SHARED_MEMORY(R, memory);
    R *crossed = memory, *parts = memory + PairElements;
    Steps<R> steps(parts + Threads);
    Place place;
    i64 block = blockIdx.x;
    int split = block % g.splits;
    block /= g.splits;
    int group = block % g.groups;
    block /= g.groups;
    Span span(g, block / g.chunks(), block % g.chunks());
    Split own(g, split, group);
    R total[4][4];
    clear(total);
    for (int head = own.first; head < own.end; head++) {
        discretize(g, span, head, steps);
        i64 channel = static_cast<i64>(head) * g.width;
        R sum[4][4];
        clear(sum);
        product<true, true>(
            sum, memory, g.width, [&](int t, int p) { return t < span.length ? gated_gradient(g, span.row + t, channel + p) : R(0); },
            [&](int s, int p) { return s < span.length ? load(g.x + (span.row + s) * g.x_stride + channel + p) : R(0); });
        const R* scores = g.scores + span.of(g, g.groups, group) * Chunk * Chunk;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            int t = place.row + i;
            R products[4];
            load_four(scores + t * Chunk + place.column, 4, products);
#pragma unroll
            for (int j = 0; j < 4; j++) {
                int s = place.column + j;
                bool counts = steps.pair(s, t);
                R value = counts ? steps.decay(s, t) * steps.step[s] * sum[i][j] : R(0);
                total[i][j] += value;
                crossed[t * PairPitch + s] = counts ? value * products[j] : R(0);
            }
        }

        __syncthreads();
        int t = threadIdx.x / 4, quarter = threadIdx.x % 4;
        R* row = crossed + t * PairPitch + quarter * Quarter;
        R running = R(0);
#pragma unroll 4
        for (int s = 0; s < Quarter; s++) running += row[s];
        parts[threadIdx.x] = running;
        __syncthreads();
        running = R(0);
        for (int i = 0; i < quarter; i++) running += parts[t * 4 + i];
#pragma unroll 4
        for (int s = 0; s < Quarter; s++) {
            R value = row[s];
            row[s] = running;
            running += value;
        }

        __syncthreads();
        int k = threadIdx.x % Chunk, slice = threadIdx.x / Chunk * Quarter;
        R sum_of_k = R(0);
#pragma unroll 4
        for (int i = slice; i < slice + Quarter; i++) sum_of_k += i >= k ? crossed[i * PairPitch + k] : R(0);
        parts[threadIdx.x] = sum_of_k;
        __syncthreads();
        if (threadIdx.x < Chunk)
            g.crossing[span.of(g, g.heads, head) * Chunk + k] = parts[k] + parts[k + Chunk] + parts[k + 2 * Chunk] + parts[k + 3 * Chunk];
    }

    R* to = g.pairs + (split * (g.batch * g.chunks() * g.groups) + span.of(g, g.groups, group)) * Chunk * Chunk;
#pragma unroll
    for (int i = 0; i < 4; i++) store_four(to + (place.row + i) * Chunk + place.column, 4, total[i]);
}

// Gradients of C, or of B, of a tile of states: each head of a split in turn, then the pairs of all of them at once. With C goes what
// each position has read from the state before the chunk. A block: a chunk, a group, a split, a tile of states.
template <typename T, bool OfB> __global__ void __launch_bounds__(Threads, Blocks<T>::value) ssd_selections(const ssd_arguments<T> g) {
    typedef typename Wide<T>::type R;
    SHARED_MEMORY(R, memory);
    Steps<R> steps(memory + StageElements);
    Place place;
    i64 block = blockIdx.x;
    int n0 = block % g.state_tiles() * Tile;
    block /= g.state_tiles();
    int split = block % g.splits;
    block /= g.splits;
    int group = block % g.groups;
    block /= g.groups;
    Span span(g, block / g.chunks(), block % g.chunks());
    Split own(g, split, group);
    i64 selection = static_cast<i64>(group) * g.states + n0;
    int columns = g.states - n0 - place.column;
    R total[4][4];
    clear(total);
    for (int head = own.first; head < own.end; head++) {
        discretize(g, span, head, steps);
        i64 at = span.of(g, g.heads, head), channel = static_cast<i64>(head) * g.width;
        const R* state = (OfB ? g.after : g.before) + at * g.state_elements() + n0;
        bool reached = OfB ? steps.remains(span.length - 1, span.length) : steps.reads(0) && (span.index > 0 || g.initial);
        R parts[4] = {R(0), R(0), R(0), R(0)};
        if (reached) {
            R sum[4][4];
            clear(sum);
            product<true, false>(
                sum, memory, g.width,
                [&](int t, int p) {
                    if (t >= span.length) return R(0);
                    return OfB ? load(g.x + (span.row + t) * g.x_stride + channel + p) : gated_gradient(g, span.row + t, channel + p);
                },
                [&](int n, int p) { return n0 + n < g.states ? state[static_cast<i64>(p) * g.states + n] : R(0); });
#pragma unroll
            for (int i = 0; i < 4; i++) {
                int t = place.row + i;
                bool counts = OfB ? steps.remains(t, span.length) : steps.reads(t);
                R factor = OfB ? steps.suffix(t) * steps.step[t] : steps.prefix(t), c[4];
                if (!OfB && counts) load_four(g.c + (span.row + t) * g.c_stride + selection + place.column, columns, c);
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    R value = counts ? sum[i][j] * factor : R(0);
                    total[i][j] += value;
                    if (!OfB) parts[i] += counts ? value * c[j] : R(0);
                }
            }
        }

        if (!OfB) {
            R reading = row_sum(parts, memory);
            if (threadIdx.x < Chunk) g.reading[(n0 / Tile * (g.batch * g.chunks() * g.heads) + at) * Chunk + threadIdx.x] = reading;
        }
    }

    i64 groups = g.batch * g.chunks() * g.groups;
    const R* pairs = g.pairs + (split * groups + span.of(g, g.groups, group)) * Chunk * Chunk;
    if (OfB)
        product<false, false, true>(
            total, memory, span.length, steps.later(place.row), [&](int s, int t) { return pairs[t * Chunk + s]; },
            [&](int n, int t) { return n0 + n < g.states ? load(g.c + (span.row + t) * g.c_stride + selection + n) : R(0); });
    else
        product<true, false, true>(
            total, memory, span.length, steps.earlier(place.row), [&](int t, int s) { return pairs[t * Chunk + s]; },
            [&](int n, int s) { return n0 + n < g.states ? load(g.b + (span.row + s) * g.b_stride + selection + n) : R(0); });
    R* partial = OfB ? g.partial_b : g.partial_c;
    T* target = OfB ? g.grad_b : g.grad_c;
    i64 stride = OfB ? g.grad_b_stride : g.grad_c_stride, row_elements = static_cast<i64>(g.groups) * g.states;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        i64 row = span.row + place.row + i;
        if (place.row + i >= span.length || columns <= 0) continue;
        if (g.splits > 1)
            store_four(partial + (split * g.batch * g.length + row) * row_elements + selection + place.column, columns, total[i]);
        else if (target)
            store_four(target + row * stride + selection + place.column, columns, total[i]);
    }
}

// Gradients of B and C from their splits, in order. A thread: an element of a row.
template <typename T> __global__ void __launch_bounds__(Threads) ssd_join(const ssd_arguments<T> g) {
    typedef typename Wide<T>::type R;
    i64 width = static_cast<i64>(g.groups) * g.states, all = g.batch * g.length * width, e = static_cast<i64>(blockIdx.x) * Threads + threadIdx.x;
    if (e >= all) return;
    i64 row = e / width, column = e % width;
    R b = R(0), c = R(0);
    for (int split = 0; split < g.splits; split++) {
        if (g.grad_b) b += g.partial_b[split * all + e];
        if (g.grad_c) c += g.partial_c[split * all + e];
    }

    if (g.grad_b) store(g.grad_b + row * g.grad_b_stride + column, b);
    if (g.grad_c) store(g.grad_c + row * g.grad_c_stride + column, c);
}

// Gradient of d x, [s, p]: of x, through x of d and D, and what each position gives to the state after the chunk. A block: a chunk of a
// head, a tile of its channels.
template <typename T> __global__ void __launch_bounds__(Threads, Blocks<T>::value) ssd_inputs(const ssd_arguments<T> g) {
    typedef typename Wide<T>::type R;
    SHARED_MEMORY(R, memory);
    Steps<R> steps(memory + StageElements);
    Place place;
    i64 block = blockIdx.x;
    int p0 = block % g.width_tiles() * Tile;
    block /= g.width_tiles();
    int head = block % g.heads, group = g.group_of(head);
    block /= g.heads;
    Span span(g, block / g.chunks(), block % g.chunks());
    i64 at = span.of(g, g.heads, head), channel = static_cast<i64>(head) * g.width + p0, entries = g.batch * g.chunks() * g.heads;
    int columns = g.width - p0 - place.column;
    const T* x = g.x + span.row * g.x_stride + channel;
    discretize(g, span, head, steps);

    // From the state after the chunk; and the product of the states before and after it, which are here anyway.
    const T* b = g.b + span.row * g.b_stride + static_cast<i64>(group) * g.states;
    i64 tile = at * g.state_elements() + static_cast<i64>(p0) * g.states;
    bool passes = steps.reads(span.length - 1) && (span.index > 0 || g.initial);
    R sum[4][4], dot = R(0), parts[4], xs[4][4];
    clear(sum);
    product<true, true>(
        sum, memory, g.states, [&](int s, int n) { return s < span.length ? load(b + s * g.b_stride + n) : R(0); },
        [&](int p, int n) {
            if (p0 + p >= g.width) return R(0);
            i64 element = tile + static_cast<i64>(p) * g.states + n;
            R value = g.after[element];
            if (passes) dot += value * g.before[element];
            return value;
        });
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int s = place.row + i;
        bool remains = steps.remains(s, span.length);
        R suffix = steps.suffix(s);
        if (s < span.length)
            load_four(x + s * g.x_stride + place.column, columns, xs[i]);
        else
#pragma unroll
            for (int j = 0; j < 4; j++) xs[i][j] = R(0);
        parts[i] = R(0);
#pragma unroll
        for (int j = 0; j < 4; j++) {
            sum[i][j] = remains ? sum[i][j] * suffix : R(0);
            parts[i] += remains ? sum[i][j] * xs[i][j] : R(0);
        }
    }

    i64 own = p0 / Tile * entries + at;
    dot = block_sum(dot, memory);
    if (threadIdx.x == 0) g.carried[own] = passes ? dot * steps.total() : R(0);
    R written = row_sum(parts, memory);
    if (threadIdx.x < Chunk) g.written[own * Chunk + threadIdx.x] = steps.remains(threadIdx.x, span.length) ? written * steps.step[threadIdx.x] : R(0);

    // From later positions of the chunk.
    const R* scores = g.scores + span.of(g, g.groups, group) * Chunk * Chunk;
    product<false, false, true>(
        sum, memory, span.length, steps.later(place.row), [&](int s, int t) { return steps.pair(s, t) ? scores[t * Chunk + s] * steps.decay(s, t) : R(0); },
        [&](int p, int t) { return p0 + p < g.width ? gated_gradient(g, span.row + t, channel + p) : R(0); });
    R skipped[4] = {R(0), R(0), R(0), R(0)};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int s = place.row + i;
        parts[i] = R(0);
        if (s >= span.length || columns <= 0) continue;
        R row[4], grad[4];
        if (g.skip) gated_four(g, span.row + s, channel + place.column, columns, grad);
#pragma unroll
        for (int j = 0; j < 4; j++) {
            parts[i] += sum[i][j] * xs[i][j];
            row[j] = sum[i][j] * steps.step[s];
            if (g.skip) {
                row[j] += skip_of(g, head, p0 + place.column + j) * grad[j];
                skipped[j] += grad[j] * xs[i][j];
            }
        }

        if (g.grad_x) store_four(g.grad_x + (span.row + s) * g.grad_x_stride + channel + place.column, columns, row);
    }

    R through = row_sum(parts, memory);
    if (threadIdx.x < Chunk) g.through[own * Chunk + threadIdx.x] = through;
    if (g.skip && g.grad_skip) {
        R skip = column_sum(skipped, memory);
        if (threadIdx.x < Tile && p0 + threadIdx.x < g.width) g.sums_skip[at * g.width + p0 + threadIdx.x] = skip;
    }
}

// Gradients of the steps of a chunk of a head: through its inputs, and through what crosses from k - 1 to k. A block of 64 threads.
template <typename T> __global__ void __launch_bounds__(Chunk) ssd_step_gradients(const ssd_arguments<T> g) {
    typedef typename Wide<T>::type R;
    SHARED_MEMORY(R, memory);
    R *reading = memory, *written = memory + Chunk;
    Steps<R> steps(memory + 2 * Chunk);
    int k = threadIdx.x, head = blockIdx.x % g.heads;
    i64 chunk = blockIdx.x / g.heads, entries = g.batch * g.chunks() * g.heads;
    Span span(g, chunk / g.chunks(), chunk % g.chunks());
    i64 at = span.of(g, g.heads, head);
    R read = R(0), wrote = R(0), through = R(0), carried = R(0);
    for (int tile = 0; tile < g.state_tiles(); tile++) read += g.reading[(tile * entries + at) * Chunk + k];
    for (int tile = 0; tile < g.width_tiles(); tile++) {
        i64 own = tile * entries + at;
        wrote += g.written[own * Chunk + k];
        through += g.through[own * Chunk + k];
        carried += g.carried[own];
    }

    reading[k] = read;
    written[k] = wrote;
    discretize(g, span, head, steps);
    R later = R(0), earlier = R(0);
    for (int t = Chunk - 1; t >= k; t--) later += reading[t];
    for (int s = 0; s < k; s++) earlier += written[s];
    R crossing = g.crossing[at * Chunk + k] + later + earlier + carried, grad = (through + g.a[head] * crossing) * steps.slope[k];
    bool counts = k < span.length;
    __syncthreads();
    if (counts && g.grad_dt) store(g.grad_dt + (span.row + k) * g.grad_dt_stride + head, grad);
    R a = block_sum(counts ? steps.step[k] * crossing : R(0), memory), bias = block_sum(counts ? grad : R(0), memory);
    if (k == 0) {
        g.sums_a[at] = a;
        g.sums_bias[at] = bias;
    }
}

// Gradients of A, dt_bias and D of a head over all chunks, in double: slices in order, then a tree. A block of 256 threads: a head.
template <typename R> __global__ void __launch_bounds__(Threads) ssd_parameter_gradients(const ssd_arguments<R> g) {
    SHARED_MEMORY(double, memory);
    int head = blockIdx.x;
    i64 rows = g.batch * g.chunks();
    double a = 0, bias = 0, all = 0;
    for (i64 row = threadIdx.x; row < rows; row += Threads) {
        a += g.sums_a[row * g.heads + head];
        bias += g.sums_bias[row * g.heads + head];
    }

    a = block_sum(a, memory);
    bias = block_sum(bias, memory);
    if (threadIdx.x == 0) {
        if (g.grad_a) g.grad_a[head] = static_cast<R>(a);
        if (g.grad_bias) g.grad_bias[head] = static_cast<R>(bias);
    }

    if (!g.skip || !g.grad_skip) return;
    for (int p0 = 0; p0 < g.width; p0 += Tile) {
        int p = p0 + threadIdx.x % Tile, slice = threadIdx.x / Tile;
        double sum = 0;
        if (p < g.width)
#pragma unroll 4
            for (i64 row = slice; row < rows; row += Threads / Tile) sum += g.sums_skip[(row * g.heads + head) * g.width + p];
        memory[threadIdx.x] = sum;
        __syncthreads();
        if (slice == 0 && p < g.width) {
            sum = memory[threadIdx.x] + memory[threadIdx.x + Tile] + memory[threadIdx.x + 2 * Tile] + memory[threadIdx.x + 3 * Tile];
            all += sum;
            if (g.skip_per_channel) g.grad_skip[static_cast<i64>(head) * g.width + p] = static_cast<R>(sum);
        }

        __syncthreads();
    }

    all = block_sum(all, memory);
    if (threadIdx.x == 0 && !g.skip_per_channel) g.grad_skip[head] = static_cast<R>(all);
}
