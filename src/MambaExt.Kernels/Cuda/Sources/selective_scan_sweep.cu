// What a block of the backward scan does to one chunk: see selective_scan_backward.cu for the walk over them.


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
