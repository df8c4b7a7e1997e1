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
