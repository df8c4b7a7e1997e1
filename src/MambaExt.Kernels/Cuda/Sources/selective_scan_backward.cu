// The backward scan. A block walks the chunks of its channels from the end. In a chunk it recomputes the states at the start of each stretch
// of SUB steps from the checkpoint; then, stretch by stretch from the end, it recomputes the stretch with states and decays in registers and
// sweeps back over them with the gradient of the state as carry. Nothing of size B L D N is ever in memory but the checkpoints.
//
// dB and dC are sums over channels. Within a warp they are formed by halving: 32 values over 32 lanes cost 31 shuffles, not 160. The warps of
// a block are added through shared memory, the blocks of a group by scan_sum_rows; gradients of parameters are kept in registers over a
// whole walk, one part a walk, and added by scan_sum_parameters. Every order is fixed by the shape.
//
// SUB = 4 at NT = 4: with 8 the sweep is short of registers at 12 warps a multiprocessor (168 each). By calculation, N = 16 in float: 32 elements
// issue about 4 x 115 instructions of the recurrence and 90 once; 8 x 2048 x 1536 elements are 0.47 ms of issue, 0.3 of memory.

template <typename T> struct ScanGradients {
    typedef typename Wide<T>::type R;
    const T* out;
    i64 out_stride;
    const R* last;
    T* u;
    i64 u_stride;
    T* delta;
    i64 delta_stride;
    R* a;
    void* b;            // T a position, R where constant
    i64 b_stride;
    void* c;
    i64 c_stride;
    T* z;
    i64 z_stride;
    R* d;
    R* bias;
    R* initial;
};

template <typename T> struct ScanBackward {
    typedef typename Wide<T>::type R;
    ScanInputs<T> in;
    ScanGradients<T> grad;
    const R* checkpoints;
    const R* carries;           // [B, segments, N, D]: what reaches the end of each segment; null where L is one segment
    R* rows_b;                  // [blocks of a group, positions, G, N]; null where a group is one block, which writes dB itself
    R* rows_c;
    R* sum_a;                   // [parts, N, D]
    R* sum_b;                   // the same of constant B and C
    R* sum_c;
    R* sum_d;                   // [parts, D]
    R* sum_bias;
    R* scratch;                 // [blocks of the grid, passes, slots, threads, NT]
    i64 first_batch, last_batch;
    i64 runs, first_run;        // runs of batch entries in this launch, and before it; a part is a run and a segment
    ScanSizes s;
};

// What the sweep needs of an element: dt, u, the gradient of y, and that of z over y.
template <typename R> struct alignas(16) Element { R dt, u, dy, to_z; };

// Values a lane keeps between chunks, in registers or, with several passes, in its slots of the scratch.
template <typename R, int NT> struct Carried { R carry[NT], a[NT], b[NT], c[NT]; };

enum { CARRIED_SLOTS = 4 };

// PLAIN: at most K NT states, B and C a position, one sequence, y alone has a gradient, 32-bit sums.
template <bool PLAIN, typename T, int NT, int K> struct Backward {
    typedef typename Wide<T>::type R;
    static constexpr int THREADS = 32 * K, SPAN = NT * K, WIDE = sizeof(R) / 4;
    static constexpr int CHUNK = 32 / WIDE;             // steps whose rows are prepared at once
    static constexpr int SUB = 16 / NT;                 // steps whose states and decays are in registers
    static constexpr int ROW_STEPS = 16 / SPAN > 1 ? 16 / SPAN : 1;     // steps whose dB and dC are summed at once: a value a lane
    static constexpr int BATCH = K > ROW_STEPS ? K : ROW_STEPS;         // steps whose sums over states are
    static constexpr int SUM_ROW = BLOCK_CHANNELS + (K == 1 ? 0 : 32 / K);
    static constexpr int SUMS = CHUNK * SUM_ROW;
    static constexpr int SLOT = 32 * (NT > K ? NT : K); // of a warp and a stretch: its first states, then its dB and dC, [SUB, 2, SPAN]

    static_assert(SUB % BATCH == 0 && CHUNK % SUB == 0, "A chunk is whole stretches, a stretch whole batches.");

    const ScanBackward<T>& a;
    const ScanSizes& s;
    ScanBlock block;
    ScanLane<NT, K> lane;
    Element<R>* rows;       // [CHUNK, channels]
    R* sums;                // y, sum of dh B, sum of dh e h A': [3, CHUNK, SUM_ROW]
    R* tile_b;              // [CHUNK, SPAN]
    R* tile_c;
    R* stretches;           // [CHUNK / SUB, warps, SLOT]
    R* totals;              // dD and dbias of this thread's rows: [2, threads]
    int* begins;
    i64 batch;

    static constexpr int SHARED = CHUNK * BLOCK_CHANNELS * 4 + 3 * SUMS + 2 * CHUNK * SPAN + CHUNK / SUB * K * SLOT + 2 * THREADS;

    __device__ __forceinline__ Backward(const ScanBackward<T>& arguments, const ScanBlock& place, R* shared, int* flags)
        : a(arguments), s(arguments.s), block(place), lane(place, threadIdx.x), begins(flags), batch(0) {
        rows = reinterpret_cast<Element<R>*>(shared);
        sums = shared + CHUNK * BLOCK_CHANNELS * 4;
        tile_b = sums + 3 * SUMS;
        tile_c = tile_b + CHUNK * SPAN;
        stretches = tile_c + CHUNK * SPAN;
        totals = stretches + CHUNK / SUB * K * SLOT;
        totals[threadIdx.x] = totals[THREADS + threadIdx.x] = R(0);
    }

    // This thread's lane once more, for what stands outside the sweep: nothing of it then takes registers in the sweep.
    __device__ __forceinline__ ScanLane<NT, K> again() const { return ScanLane<NT, K>(block, pinned(threadIdx.x)); }

    // Rows of a chunk. Each thread writes what it alone reads again in finish(), so no barrier is needed before.
    __device__ __forceinline__ void prepare(i64 start, int steps) {
        ScanLane<NT, K> lane = again();
        int d = block.first + lane.lane;
        bool exists = lane.lane < block.count, gated = a.in.z != nullptr, output = PLAIN || !s.return_states;
        R bias = exists && a.in.bias != nullptr ? a.in.bias[d] : R(0);
        i64 down = s.reverse ? -K : K, row = scan_row(s, batch, start + lane.warp);
        const T* u = a.in.u + row * a.in.u_stride + d;
        const T* delta = a.in.delta + row * a.in.delta_stride + d;
        const T* z = a.in.z + row * a.in.z_stride + d;
        const T* out = a.grad.out + row * a.grad.out_stride + d;
#pragma unroll 4
        for (int t = lane.warp, j = 0; t < CHUNK; t += K, j++) {
            Element<R> element = {R(0), R(0), R(0), R(0)};
            if (exists && t < steps) {
                element.dt = scan_step(s, load(delta + j * down * a.in.delta_stride) + bias);
                element.u = load(u + j * down * a.in.u_stride);
                if (output) {
                    element.dy = load(out + j * down * a.grad.out_stride);
                    if (gated) {
                        R gate = load(z + j * down * a.in.z_stride), open = sigmoid(gate);
                        element.to_z = element.dy * open * (R(1) + gate * (R(1) - open));
                        element.dy *= gate * open;
                    }
                }
            }

            rows[t * BLOCK_CHANNELS + lane.lane] = element;
        }

        if (!PLAIN && threadIdx.x < CHUNK) {
            begins[threadIdx.x] = scan_begins(s, a.in.sequence, batch, start + threadIdx.x);
        }
    }

    // B and C of a chunk and a pass; zeros where they are constant or do not exist.
    __device__ __forceinline__ void prepare_tiles(i64 start, int steps, int pass) {
        bool tiled_c = s.per_position_c && a.in.c != nullptr;
#pragma unroll 4
        for (int i = pinned(threadIdx.x); i < CHUNK * SPAN; i += THREADS) {
            int t = i / SPAN, n = pass * SPAN + i % SPAN;
            bool there = t < steps && n < s.states;
            i64 row = scan_row(s, batch, start + t), at = static_cast<i64>(block.group) * s.states + n;
            tile_b[i] = there && s.per_position_b ? load(static_cast<const T*>(a.in.b) + row * a.in.b_stride + at) : R(0);
            tile_c[i] = there && tiled_c ? load(static_cast<const T*>(a.in.c) + row * a.in.c_stride + at) : R(0);
        }
    }

    // The state before a position at which the forward scan left it; that before the first is an input.
    __device__ __forceinline__ void load_checkpoint(i64 start, int pass, R (&h)[NT]) {
        ScanLane<NT, K> lane = again();
        if (start == 0) {
            load_parameter(h, a.in.initial == nullptr ? nullptr : a.in.initial + batch * s.channels * s.states, s, lane, block, pass);
        } else {
            i64 at = state_offset(s, scan_checkpoint(s, batch, start), lane, block, pass);
            load_states(h, a.checkpoints + at, s.channels, lane.left(s, pass));
        }
    }

    // One step of the recomputation.
    __device__ __forceinline__ void advance(int t, R (&h)[NT], R (&e)[NT], const R (&rate)[NT], const R (&fixed_b)[NT]) {
        R b[NT];
        read_states(b, tile_b + t * SPAN + lane.part * NT);
        if (!PLAIN && !s.per_position_b) {
#pragma unroll
            for (int n = 0; n < NT; n++) {
                b[n] = fixed_b[n];
            }
        }

        Element<R> element = rows[t * BLOCK_CHANNELS + lane.channel];
        Pair<R> step = {element.dt, element.dt * element.u};
        scan_advance(h, e, rate, b, step, !PLAIN && begins[t] != 0);
    }

    // One pass over a chunk. Beyond the end, dt = dy = 0 and B = C = 0 change nothing.
    __device__ __forceinline__ void sweep(
        i64 start, int steps, int pass, R (&h)[NT], Carried<R, NT>& kept, const R (&rate)[NT], const R (&fixed_b)[NT], const R (&fixed_c)[NT]) {
        int count = (steps + SUB - 1) / SUB;
        R* own = stretches + lane.warp * SLOT;
#pragma unroll 1
        for (int i = 0; i + 1 < count; i++) {
            write_states(h, own + i * K * SLOT + lane.lane * NT);
#pragma unroll
            for (int j = 0; j < SUB; j++) {
                R e[NT];
                advance(i * SUB + j, h, e, rate, fixed_b);
            }
        }

#pragma unroll 1
        for (int i = count - 1; i >= 0; i--) {
            R states[SUB + 1][NT], decays[SUB][NT];
            if (i + 1 < count) {
                read_states(states[0], own + i * K * SLOT + lane.lane * NT);
            } else {
#pragma unroll
                for (int n = 0; n < NT; n++) {
                    states[0][n] = h[n];
                }
            }

#pragma unroll
            for (int j = 0; j < SUB; j++) {
#pragma unroll
                for (int n = 0; n < NT; n++) {
                    states[j + 1][n] = states[j][n];
                }

                advance(i * SUB + j, states[j + 1], decays[j], rate, fixed_b);
            }

            __syncwarp();   // every lane has its states; the slot is free for dB and dC

#pragma unroll
            for (int batch_of = SUB / BATCH - 1; batch_of >= 0; batch_of--) {
                R y[BATCH], to_u[BATCH], to_dt[BATCH];
#pragma unroll
                for (int some = BATCH / ROW_STEPS - 1; some >= 0; some--) {
                    constexpr int VALUES = ROW_STEPS * 2 * NT;
                    R values[VALUES];
#pragma unroll
                    for (int one = ROW_STEPS - 1; one >= 0; one--) {
                        int at = some * ROW_STEPS + one, j = batch_of * BATCH + at;
                        back(start, i * SUB + j, steps, pass, states[j], states[j + 1], decays[j], kept, rate, fixed_b, fixed_c,
                                    y[at], to_u[at], to_dt[at], values + one * 2 * NT);
                    }

                    // Lane c of the warp's channels ends with values c LEFT and following of [ROW_STEPS, 2, NT].
                    constexpr int LANES = 32 / K, LEFT = VALUES / LANES;
                    sum_apart<VALUES, LANES, K>(values, lane.lane / K);
#pragma unroll
                    for (int k = 0; k < LEFT; k++) {
                        int value = lane.lane / K * LEFT + k, j = batch_of * BATCH + some * ROW_STEPS + value / (2 * NT), which = value / NT % 2;
                        own[i * K * SLOT + (j * 2 + which) * SPAN + lane.part * NT + value % NT] = values[k];
                    }
                }

                sum_apart<BATCH, K, 1>(y, lane.part);
                sum_apart<BATCH, K, 1>(to_u, lane.part);
                sum_apart<BATCH, K, 1>(to_dt, lane.part);
#pragma unroll
                for (int k = 0; k < BATCH / K; k++) {
                    R* at = sums + (i * SUB + batch_of * BATCH + lane.part * (BATCH / K) + k) * SUM_ROW + lane.channel;
                    at[0] = pass == 0 ? y[k] : at[0] + y[k];
                    at[SUMS] = pass == 0 ? to_u[k] : at[SUMS] + to_u[k];
                    at[2 * SUMS] = pass == 0 ? to_dt[k] : at[2 * SUMS] + to_dt[k];
                }
            }
        }

        __syncthreads();
        add_warps(start, steps, pass);
    }

    // Back over position t: `before` and `after` are the states around it.
    __device__ __forceinline__ void back(
        i64 start, int t, int steps, int pass, const R (&before)[NT], const R (&after)[NT], const R (&e)[NT], Carried<R, NT>& kept,
        const R (&rate)[NT], const R (&fixed_b)[NT], const R (&fixed_c)[NT], R& y, R& to_u, R& to_dt, R* values) {
        y = to_u = to_dt = R(0);
        R b[NT], c[NT];
        read_states(b, tile_b + t * SPAN + lane.part * NT);
        read_states(c, tile_c + t * SPAN + lane.part * NT);
        Element<R> element = rows[t * BLOCK_CHANNELS + lane.channel];
        R x = element.dt * element.u;
        const T* grad_states = nullptr;
        if (!PLAIN) {
            grad_states = a.grad.out + scan_row(s, batch, start + t) * a.grad.out_stride
                + static_cast<i64>(block.first + lane.channel) * s.states + lane.first(pass);
#pragma unroll
            for (int n = 0; n < NT; n++) {
                b[n] = s.per_position_b ? b[n] : fixed_b[n];
                c[n] = s.per_position_c ? c[n] : fixed_c[n];
            }
        }

#pragma unroll
        for (int n = 0; n < NT; n++) {
            R more = element.dy * c[n];
            if (!PLAIN && s.return_states) {
                more = t < steps && n < lane.left(s, pass) ? load(grad_states + n) : R(0);
            }

            R dh = kept.carry[n] + more;
            y += c[n] * after[n];
            to_u += dh * b[n];
            values[n] = dh * x;
            values[NT + n] = element.dy * after[n];
            bool fresh = !PLAIN && begins[t] != 0;
            R carry = fresh ? R(0) : dh * e[n], through = fresh ? R(0) : carry * before[n];
            kept.carry[n] = carry;
            to_dt += through * rate[n];
            kept.a[n] += through * element.dt;
            if (!PLAIN) {
                kept.b[n] += values[n];
                kept.c[n] += values[NT + n];
            }
        }
    }

    // dB and dC of a chunk: the warps in order, then to the gradient or to this block's part of it.
    __device__ __forceinline__ void add_warps(i64 start, int steps, int pass) {
        T* grad_b = s.per_position_b ? static_cast<T*>(a.grad.b) : nullptr;
        T* grad_c = s.per_position_c ? static_cast<T*>(a.grad.c) : nullptr;
        if (grad_b == nullptr && grad_c == nullptr) {
            return;
        }

        i64 positions = (a.last_batch - a.first_batch) * s.length;
#pragma unroll 4
        for (int i = pinned(threadIdx.x); i < CHUNK * 2 * SPAN; i += THREADS) {
            int t = i / (2 * SPAN), n = pass * SPAN + i % SPAN;
            bool is_b = i / SPAN % 2 == 0;
            T* target = is_b ? grad_b : grad_c;
            if (t >= steps || n >= s.states || target == nullptr) {
                continue;
            }

            const R* from = stretches + t / SUB * K * SLOT + i % (SUB * 2 * SPAN);
            R sum = from[0];
#pragma unroll
            for (int warp = 1; warp < K; warp++) {
                sum += from[warp * SLOT];
            }

            i64 row = scan_row(s, batch, start + t), at = static_cast<i64>(block.group) * s.states + n;
            R* part = is_b ? a.rows_b : a.rows_c;
            if (part == nullptr) {
                store(target + row * (is_b ? a.grad.b_stride : a.grad.c_stride) + at, sum);
            } else {
                part[(block.index * positions + row - a.first_batch * s.length) * s.groups * s.states + at] = sum;
            }
        }
    }

    // What is done once an element of a chunk.
    __device__ __forceinline__ void finish(i64 start, int steps) {
        ScanLane<NT, K> lane = again();
        int d = block.first + lane.lane;
        i64 down = s.reverse ? -K : K, row = scan_row(s, batch, start + lane.warp);
        const T* delta = a.in.delta + row * a.in.delta_stride + d;
        if (lane.lane >= block.count) {
            return;
        }

        R bias = a.in.bias != nullptr ? a.in.bias[d] : R(0), skip = a.in.d != nullptr ? a.in.d[d] : R(0), grad_skip = R(0), grad_bias = R(0);

#pragma unroll 4
        for (int t = lane.warp, j = 0; t < steps; t += K, j++) {
            Element<R> element = rows[t * BLOCK_CHANNELS + lane.lane];
            const R* sum = sums + t * SUM_ROW + lane.lane;
            R grad = sum[2 * SUMS] * R(0.69314718055994531) + sum[SUMS] * element.u;
            if (s.softplus) {
                R raw = load(delta + j * down * a.in.delta_stride) + bias;
                grad *= raw > R(20) ? R(1) : sigmoid(raw);
            }

            grad_skip += element.dy * element.u;
            grad_bias += grad;
            if (a.grad.u != nullptr) {
                store(a.grad.u + (row + j * down) * a.grad.u_stride + d, sum[SUMS] * element.dt + skip * element.dy);
            }

            if (a.grad.delta != nullptr) {
                store(a.grad.delta + (row + j * down) * a.grad.delta_stride + d, grad);
            }

            if (a.grad.z != nullptr && a.in.z != nullptr) {
                store(a.grad.z + (row + j * down) * a.grad.z_stride + d, element.to_z * (sum[0] + skip * element.u));
            }
        }

        totals[lane.warp * 32 + lane.lane] += grad_skip;
        totals[THREADS + lane.warp * 32 + lane.lane] += grad_bias;
    }
};

template <bool PLAIN, typename T, int NT, int K>
__global__ void __launch_bounds__(32 * K, (PLAIN && K > 1 ? 12 : 8) / K) scan_backward(ScanBackward<T> a) {
    typedef typename Wide<T>::type R;
    typedef Backward<PLAIN, T, NT, K> Walk;
    constexpr int THREADS = 32 * K, CHUNK = Walk::CHUNK;
    SHARED_MEMORY(R, shared);
    __shared__ int begins[CHUNK];

    const ScanSizes& s = a.s;
    const int passes = PLAIN ? 1 : s.passes, chunks = PLAIN ? 1 : s.checkpoint_steps / CHUNK;
    i64 blocks = static_cast<i64>(s.groups) * s.group_blocks, id = blockIdx.x;
    ScanBlock block = scan_block(s, id % blocks);
    i64 segment = id / blocks % s.segments, run = id / blocks / s.segments, entries = a.last_batch - a.first_batch;
    i64 first = a.first_batch + run * entries / a.runs, last = a.first_batch + (run + 1) * entries / a.runs;
    i64 begin = segment * s.segment_steps, length = min(s.length - begin, s.segment_steps);
    int count = static_cast<int>((length + CHUNK - 1) / CHUNK), tail = static_cast<int>(length - (count - 1) * static_cast<i64>(CHUNK));
    i64 part = (a.first_run + run) * s.segments + segment;
    Walk walk(a, block, shared, begins);
    const ScanLane<NT, K>& lane = walk.lane;
    bool exists = lane.lane < block.count;

    // Scratch of this thread: what is carried where there are several passes, then the states at the chunks between two checkpoints.
    int between = passes > 1 ? CARRIED_SLOTS : 0, slots = between + chunks - 1;
    R* scratch = a.scratch + (id * passes * slots * THREADS + threadIdx.x) * NT;
    auto slot = [&](int pass, int which) { return scratch + (static_cast<i64>(pass) * slots + which) * THREADS * NT; };

    R rate[NT], fixed_b[NT], fixed_c[NT], h[NT];
    Carried<R, NT> kept;
    auto load_constants = [&](int pass) {
        load_rates(rate, a.in.a, s, lane, block, pass);
        load_parameter(fixed_b, s.per_position_b ? nullptr : static_cast<const R*>(a.in.b), s, lane, block, pass);
        load_parameter(fixed_c, s.per_position_c ? nullptr : static_cast<const R*>(a.in.c), s, lane, block, pass);
    };
    auto load_kept = [&](int pass) {
        if (passes > 1) {
            read_states(kept.carry, slot(pass, 0));
            read_states(kept.a, slot(pass, 1));
            read_states(kept.b, slot(pass, 2));
            read_states(kept.c, slot(pass, 3));
        }
    };
    auto store_kept = [&](int pass) {
        if (passes > 1) {
            write_states(kept.carry, slot(pass, 0));
            write_states(kept.a, slot(pass, 1));
            write_states(kept.b, slot(pass, 2));
            write_states(kept.c, slot(pass, 3));
        }
    };

#pragma unroll 1
    for (int pass = 0; pass < passes; pass++) {
        load_constants(pass);
#pragma unroll
        for (int n = 0; n < NT; n++) {
            kept.carry[n] = kept.a[n] = kept.b[n] = kept.c[n] = R(0);
        }

        store_kept(pass);
    }

#pragma unroll 1
    for (i64 batch = first; batch < last; batch++) {
        walk.batch = batch;
#pragma unroll 1
        for (int pass = 0; pass < passes; pass++) {
            load_kept(pass);
            if (a.carries != nullptr) {
                load_states(kept.carry, a.carries + state_offset(s, batch * s.segments + segment, lane, block, pass), s.channels, lane.left(s, pass));
            } else {
                load_parameter(kept.carry, a.grad.last == nullptr ? nullptr : a.grad.last + batch * s.channels * s.states, s, lane, block, pass);
            }

            store_kept(pass);
        }

#pragma unroll 1
        for (int chunk = count - 1; chunk >= 0; chunk--) {
            i64 start = begin + static_cast<i64>(chunk) * CHUNK;
            int within = PLAIN ? 0 : chunk % chunks;
            i64 kept_at = start - within * CHUNK;

            // The first chunk met since a checkpoint: the states at the chunks between.
            if (within == chunks - 1 || chunk == count - 1) {
#pragma unroll 1
                for (int one = 0; one < within; one++) {
                    i64 from = kept_at + one * CHUNK;
                    walk.prepare(from, CHUNK);
#pragma unroll 1
                    for (int pass = 0; pass < passes; pass++) {
                        __syncthreads();
                        walk.prepare_tiles(from, CHUNK, pass);
                        __syncthreads();
                        if (passes > 1) {
                            load_constants(pass);
                        }

                        if (one == 0) {
                            walk.load_checkpoint(kept_at, pass, h);
                        } else {
                            read_states(h, slot(pass, between + one - 1));
                        }

#pragma unroll 1
                        for (int t = 0; t < CHUNK; t++) {
                            R e[NT];
                            walk.advance(t, h, e, rate, fixed_b);
                        }

                        write_states(h, slot(pass, between + one));
                    }

                    __syncthreads();
                }
            }

            int steps = chunk == count - 1 ? tail : CHUNK;
            walk.prepare(start, steps);
#pragma unroll 1
            for (int pass = 0; pass < passes; pass++) {
                walk.prepare_tiles(start, steps, pass);
                if (passes > 1) {
                    load_constants(pass);
                    load_kept(pass);
                }

                if (within == 0) {
                    walk.load_checkpoint(kept_at, pass, h);
                } else {
                    read_states(h, slot(pass, between + within - 1));
                }

                __syncthreads();
                walk.sweep(start, steps, pass, h, kept, rate, fixed_b, fixed_c);
                store_kept(pass);
            }

            walk.finish(start, steps);
        }

        if (a.grad.initial != nullptr && segment == 0) {
#pragma unroll 1
            for (int pass = 0; pass < passes; pass++) {
                load_kept(pass);
                i64 at = (batch * s.channels + block.first + lane.channel) * s.states + lane.first(pass);
                store_states(kept.carry, a.grad.initial + at, 1, lane.left(s, pass));
            }
        }
    }

#pragma unroll 1
    for (int pass = 0; pass < passes; pass++) {
        load_kept(pass);
        i64 at = state_offset(s, part, lane, block, pass);
        int left = lane.left(s, pass);
        store_states(kept.a, a.sum_a + at, s.channels, left);
        store_states(kept.b, a.sum_b + at, s.channels, a.sum_b == nullptr ? 0 : left);
        store_states(kept.c, a.sum_c + at, s.channels, a.sum_c == nullptr ? 0 : left);
    }

    // The skip and the bias: each warp has its own rows.
    __syncthreads();
    if (threadIdx.x < 32 && exists) {
        R grad_skip = walk.totals[lane.lane], grad_bias = walk.totals[THREADS + lane.lane];
        for (int warp = 1; warp < K; warp++) {
            grad_skip += walk.totals[warp * 32 + lane.lane];
            grad_bias += walk.totals[THREADS + warp * 32 + lane.lane];
        }

        a.sum_d[part * s.channels + block.first + lane.lane] = grad_skip;
        a.sum_bias[part * s.channels + block.first + lane.lane] = grad_bias;
    }
}

template <typename T> struct ScanSumRows {
    const typename Wide<T>::type* parts;    // [blocks, rows, width]
    T* target;
    i64 stride, first_row, rows, width, blocks;
};

// dB or dC of the blocks of a group, a thread an element.
template <typename T> __global__ void scan_sum_rows(ScanSumRows<T> a) {
    typedef typename Wide<T>::type R;
    i64 id = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x, elements = a.rows * a.width;
    if (id < elements) {
        R sum = R(0);
        for (i64 block = 0; block < a.blocks; block++) {
            sum += a.parts[block * elements + id];
        }

        store(a.target + (a.first_row + id / a.width) * a.stride + id % a.width, sum);
    }
}

template <typename R> struct ScanSumParameters {
    const R* parts;     // [parts, states, channels]
    R* target;          // [channels, states]
    i64 count, channels, states;
};

// The gradient of a parameter, a thread an element.
template <typename R> __global__ void scan_sum_parameters(ScanSumParameters<R> a) {
    i64 id = static_cast<i64>(blockIdx.x) * blockDim.x + threadIdx.x, elements = a.channels * a.states;
    if (id < elements) {
        R sum = R(0);
        for (i64 part = 0; part < a.count; part++) {
            sum += a.parts[part * elements + id];
        }

        a.target[id % a.channels * a.states + id / a.channels] = sum;
    }
}
