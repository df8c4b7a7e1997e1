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
