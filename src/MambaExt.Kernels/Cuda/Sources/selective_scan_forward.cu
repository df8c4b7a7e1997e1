// The forward scan. A tile of 4 K steps: rows in registers since the tile before -> (dt, dt u) in shared memory -> recurrence -> y in shared
// memory -> gate and out. While a tile is computed, the rows and the B and C of the next are on their way.
//
// By calculation, N = 16 in float: 32 elements issue 4 x 27 instructions of the recurrence and about 75 once, and wait 18 x 8 cycles for exp2;
// 8 x 2048 x 1536 elements on 528 schedulers at 1.755 GHz are 0.16 ms of issue, 0.12 of exp2, 0.14 of memory: none may be much more.

template <typename T> struct ScanForward {
    ScanInputs<T> in;
    ScanOutputs<T> out;
    const typename Wide<T>::type* starts;   // [B, segments, N, D]; null where L is one segment
    ScanSizes s;
};

// One tile and pass of the recurrence. Beyond the end, dt = 0 and B = C = 0 change nothing. PLAIN: at most K NT states, B and C a
// position, one sequence, y alone is wanted.
template <bool PLAIN, typename T, int NT, int K, typename R>
__device__ __forceinline__ void forward_tile(
    const ScanForward<T>& a, const ScanBlock& block, const ScanLane<NT, K>& lane, i64 batch, i64 start, int steps, int pass,
    const Pair<R>* rows, const R* tile_b, const R* tile_c, const int* begins, R* y, int y_row,
    R (&h)[NT], const R (&rate)[NT], const R (&fixed_b)[NT], const R (&fixed_c)[NT]) {
    constexpr int TILE = 4 * K, SPAN = NT * K;
    const ScanSizes& s = a.s;
#pragma unroll 1
    for (int first = 0; first < TILE; first += K) {
        R sums[K];
#pragma unroll
        for (int j = 0; j < K; j++) {
            int t = first + j;
            sums[j] = R(0);
            R b[NT], c[NT], e[NT];
            read_states(b, tile_b + t * SPAN + lane.part * NT);
            read_states(c, tile_c + t * SPAN + lane.part * NT);
            if (!PLAIN) {
#pragma unroll
                for (int n = 0; n < NT; n++) {
                    b[n] = s.per_position_b ? b[n] : fixed_b[n];
                    c[n] = s.per_position_c ? c[n] : fixed_c[n];
                }
            }

            scan_advance(h, e, rate, b, rows[t * BLOCK_CHANNELS + lane.channel], !PLAIN && begins[t] != 0);
#pragma unroll
            for (int n = 0; n < NT; n++) {
                sums[j] += c[n] * h[n];
            }

            if (!PLAIN && s.return_states && t < steps) {
                T* to = a.out.out + scan_row(s, batch, start + t) * a.out.out_stride
                    + static_cast<i64>(block.first + lane.channel) * s.states + lane.first(pass);
#pragma unroll
                for (int n = 0; n < NT; n++) {
                    if (n < lane.left(s, pass)) {
                        store(to + n, h[n]);
                    }
                }
            }
        }

        sum_apart<K, K, 1>(sums, lane.part);
        R& to = y[(first + lane.part) * y_row + lane.channel];
        to = pass == 0 ? sums[0] : to + sums[0];
    }
}

template <bool PLAIN, typename T, int NT, int K> __global__ void __launch_bounds__(32 * K) scan_forward(ScanForward<T> a) {
    typedef typename Wide<T>::type R;
    constexpr int THREADS = 32 * K, ROWS = 4, TILE = ROWS * K, SPAN = NT * K, WORDS = (TILE * SPAN + THREADS - 1) / THREADS;
    constexpr int Y_ROW = BLOCK_CHANNELS + (K == 1 ? 0 : 32 / K);   // so that the K lanes of a channel write to different banks
    __shared__ Pair<R> rows[TILE * BLOCK_CHANNELS];
    __shared__ R y[TILE * Y_ROW];
    __shared__ __align__(16) R tile_b[2][TILE * SPAN];
    __shared__ __align__(16) R tile_c[2][TILE * SPAN];
    __shared__ int begins[TILE];
    SHARED_MEMORY(R, kept);     // states between the passes, [passes, threads, NT]

    const ScanSizes& s = a.s;
    const int passes = PLAIN ? 1 : s.passes;
    i64 blocks = static_cast<i64>(s.groups) * s.group_blocks, id = blockIdx.x;
    ScanBlock block = scan_block(s, id % blocks);
    i64 segment = id / blocks % s.segments, batch = id / blocks / s.segments;
    i64 begin = segment * s.segment_steps, end = min(s.length, begin + s.segment_steps);
    ScanLane<NT, K> lane(block, threadIdx.x);
    int d = block.first + lane.lane;
    bool exists = lane.lane < block.count, gated = a.in.z != nullptr;
    R bias = exists && a.in.bias != nullptr ? a.in.bias[d] : R(0), skip = exists && a.in.d != nullptr ? a.in.d[d] : R(0);
    bool tiled_b = s.per_position_b, tiled_c = s.per_position_c && a.in.c != nullptr;
    i64 down = s.reverse ? -K : K;  // rows between two of a thread's

    T next_u[ROWS], next_delta[ROWS], next_z[ROWS], next_b[WORDS], next_c[WORDS];
    auto load_rows = [&](i64 start) {
        i64 row = scan_row(s, batch, start + lane.warp);
        const T* u = a.in.u + row * a.in.u_stride + d;
        const T* delta = a.in.delta + row * a.in.delta_stride + d;
        const T* z = a.in.z + row * a.in.z_stride + d;
#pragma unroll
        for (int j = 0; j < ROWS; j++) {
            bool there = exists && start + lane.warp + j * K < end;
            next_u[j] = there ? u[j * down * a.in.u_stride] : T();
            next_delta[j] = there ? delta[j * down * a.in.delta_stride] : T();
            next_z[j] = there && gated ? z[j * down * a.in.z_stride] : T();
        }
    };
    auto load_tiles = [&](i64 start, int pass) {
#pragma unroll
        for (int j = 0; j < WORDS; j++) {
            int i = threadIdx.x + j * THREADS, t = i / SPAN, n = pass * SPAN + i % SPAN;
            bool there = t < TILE && start + t < end && n < s.states;
            i64 row = scan_row(s, batch, start + t), at = static_cast<i64>(block.group) * s.states + n;
            next_b[j] = there && tiled_b ? static_cast<const T*>(a.in.b)[row * a.in.b_stride + at] : T();
            next_c[j] = there && tiled_c ? static_cast<const T*>(a.in.c)[row * a.in.c_stride + at] : T();
        }
    };

    R h[NT], rate[NT], fixed_b[NT], fixed_c[NT];
    auto load_constants = [&](int pass) {
        load_rates(rate, a.in.a, s, lane, block, pass);
        load_parameter(fixed_b, s.per_position_b ? nullptr : static_cast<const R*>(a.in.b), s, lane, block, pass);
        load_parameter(fixed_c, s.per_position_c ? nullptr : static_cast<const R*>(a.in.c), s, lane, block, pass);
    };
#pragma unroll 1
    for (int pass = 0; pass < passes; pass++) {
        load_constants(pass);
        if (a.starts != nullptr) {
            load_states(h, a.starts + state_offset(s, batch * s.segments + segment, lane, block, pass), s.channels, lane.left(s, pass));
        } else {
            load_parameter(h, a.in.initial == nullptr ? nullptr : a.in.initial + batch * s.channels * s.states, s, lane, block, pass);
        }

        if (passes > 1) {
            write_states(h, kept + (pass * THREADS + threadIdx.x) * NT);
        }
    }

    int turn = 0;
    load_rows(begin);
    load_tiles(begin, 0);
#pragma unroll 1
    for (i64 start = begin; start < end; start += TILE) {
        int steps = static_cast<int>(min(static_cast<i64>(TILE), end - start));
        T u[ROWS], z[ROWS];
#pragma unroll
        for (int j = 0; j < ROWS; j++) {
            int t = lane.warp + j * K;
            Pair<R> step = {R(0), R(0)};
            u[j] = next_u[j];
            z[j] = next_z[j];
            if (exists && t < steps) {
                step.dt = scan_step(s, load(&next_delta[j]) + bias);
                step.x = step.dt * load(&u[j]);
            }

            rows[t * BLOCK_CHANNELS + lane.lane] = step;
        }

        if (!PLAIN && threadIdx.x < TILE) {
            begins[threadIdx.x] = scan_begins(s, a.in.sequence, batch, start + threadIdx.x);
        }

#pragma unroll 1
        for (int pass = 0; pass < passes; pass++, turn ^= 1) {
#pragma unroll
            for (int j = 0; j < WORDS; j++) {
                int i = threadIdx.x + j * THREADS;
                if (i < TILE * SPAN) {
                    tile_b[turn][i] = load(&next_b[j]);
                    tile_c[turn][i] = load(&next_c[j]);
                }
            }

            __syncthreads();
            bool last_pass = pass + 1 == passes;
            load_tiles(last_pass ? start + TILE : start, last_pass ? 0 : pass + 1);
            if (pass == 0) {
                load_rows(start + TILE);
            }

            if (passes > 1) {
                load_constants(pass);
                read_states(h, kept + (pass * THREADS + threadIdx.x) * NT);
            }

            if (a.out.checkpoints != nullptr && start > 0 && (start & (s.checkpoint_steps - 1)) == 0) {
                i64 at = state_offset(s, scan_checkpoint(s, batch, start), lane, block, pass);
                store_states(h, a.out.checkpoints + at, s.channels, lane.left(s, pass));
            }

            forward_tile<PLAIN>(a, block, lane, batch, start, steps, pass, rows, tile_b[turn], tile_c[turn], begins, y, Y_ROW, h, rate, fixed_b, fixed_c);
            if (passes > 1) {
                write_states(h, kept + (pass * THREADS + threadIdx.x) * NT);
            }
        }

        __syncthreads();
        T* out = a.out.out + scan_row(s, batch, start + lane.warp) * a.out.out_stride + d;
#pragma unroll
        for (int j = 0; j < ROWS; j++) {
            int t = lane.warp + j * K;
            if (exists && t < steps && !s.return_states) {
                R value = y[t * Y_ROW + lane.lane] + skip * load(&u[j]);
                if (gated) {
                    R gate = load(&z[j]);
                    value *= gate * sigmoid(gate);
                }

                store(out + j * down * a.out.out_stride, value);
            }
        }
    }

    if (a.out.last != nullptr && segment == s.segments - 1) {
#pragma unroll 1
        for (int pass = 0; pass < passes; pass++) {
            if (passes > 1) {
                read_states(h, kept + (pass * THREADS + threadIdx.x) * NT);
            }

            i64 at = (batch * s.channels + block.first + lane.channel) * s.states + lane.first(pass);
            store_states(h, a.out.last + at, 1, lane.left(s, pass));
        }
    }
}
