using System.Numerics;
using System.Runtime.CompilerServices;

namespace MambaExt.Kernels.Cpu;

/// <content>What happens before and after the sweep of a chunk, and how a long sequence is joined from its pieces.</content>
internal sealed unsafe partial class SelectiveScanBackward<V, T>
{
    /// <summary>dt and its slope, dt u, the gradient of y behind the gate, and y = D u to begin with where the gate needs y.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Discretize(in ScanRows rows, long start, int steps, int strip, int blocks, in Scratch scratch)
    {
        for (int j = 0; j < blocks; j++)
        {
            int channel = _plan.FirstChannel(strip + j), channels = _plan.ChannelsIn(strip + j);
            V bias = _in.DeltaBias == null ? V.Zero : ScanBlock<V, T>.Load(_in.DeltaBias + channel, channels);
            V skip = _in.D == null ? V.Zero : ScanBlock<V, T>.Load(_in.D + channel, channels);
            int first = j * _chunk * V.Count;
            T* dt = scratch.Steps + first, slopes = scratch.Slopes + first, us = scratch.U + first, du = scratch.Inputs + first, y = scratch.Y + first;
            T* gradY = scratch.GradY + first, gradZ = scratch.GradZ + first;
            new Span<T>(scratch.GradInputs + first, steps * V.Count).Clear();
            new Span<T>(scratch.GradSteps + first, steps * V.Count).Clear();
            long row = rows.Row(start), direction = rows.Direction;
            T* u = _in.U + row * _in.UStride + channel, delta = _in.Delta + row * _in.DeltaStride + channel;
            long uStep = direction * _in.UStride, deltaStep = direction * _in.DeltaStride;
            bool states = _shape.ReturnStates, softplus = _shape.Softplus, gated = _in.Z != null;
            T* dout = states ? null : _grad.Out + row * _grad.OutStride + channel;
            T* z = gated ? _in.Z + row * _in.ZStride + channel : null;
            long doutStep = states ? 0 : direction * _grad.OutStride, zStep = gated ? direction * _in.ZStride : 0;
            V one = V.Broadcast(T.One), largest = V.Zero;
            for (int at = 0; at < steps * V.Count; at += V.Count)
            {
                V input = ScanBlock<V, T>.Load(u, channels);
                V raw = ScanBlock<V, T>.Load(delta, channels) + bias;
                u += uStep;
                delta += deltaStep;
                V step = raw;
                if (softplus)
                {
                    step = VectorMath.Softplus<V, T>(raw, out V slope);
                    slope.Store(slopes + at);
                }

                largest = V.MaxNative(largest, V.Abs(step));
                step.Store(dt + at);
                input.Store(us + at);
                (step * input).Store(du + at);
                if (states)
                {
                    V.Zero.Store(gradY + at);
                    continue;
                }

                V gradient = ScanBlock<V, T>.Load(dout, channels);
                dout += doutStep;
                if (gated)
                {
                    V gate = ScanBlock<V, T>.Load(z, channels);
                    z += zStep;
                    V sigmoid = VectorMath.Sigmoid<V, T>(gate);

                    // d(silu z)/dz = s (1 + z (1 - s)), kept with dout until y is known.
                    (gradient * sigmoid * V.MultiplyAdd(gate, one - sigmoid, one)).Store(gradZ + at);
                    (skip * input).Store(y + at);
                    gradient = gradient * gate * sigmoid;
                }

                gradient.Store(gradY + at);
            }

            scratch.Bounded[j] = ScanBlock<V, T>.Largest(largest) * _largestA[strip + j] < BoundedExp2<V, T>.Limit;
        }
    }

    /// <summary>From the gradients of dt and dt u to those of u, delta, z, D and the bias.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Finish(in ScanRows rows, long start, int steps, int strip, int blocks, in Scratch scratch, T* gradD, T* gradBias)
    {
        V ln2 = V.Broadcast(T.CreateTruncating(0.69314718055994530942));
        for (int j = 0; j < blocks; j++)
        {
            int channel = _plan.FirstChannel(strip + j), channels = _plan.ChannelsIn(strip + j);
            V skip = _in.D == null ? V.Zero : ScanBlock<V, T>.Load(_in.D + channel, channels);
            V sumD = V.Load(gradD + j * V.Count), sumBias = V.Load(gradBias + j * V.Count);
            int first = j * _chunk * V.Count;
            T* dt = scratch.Steps + first, slopes = scratch.Slopes + first, us = scratch.U + first, y = scratch.Y + first;
            T* gradY = scratch.GradY + first, gradZ = scratch.GradZ + first, gradInputs = scratch.GradInputs + first, gradSteps = scratch.GradSteps + first;
            long row = rows.Row(start), direction = rows.Direction;
            bool softplus = _shape.Softplus;
            T* toDelta = _grad.Delta == null ? null : _grad.Delta + row * _grad.DeltaStride + channel;
            T* toU = _grad.U == null ? null : _grad.U + row * _grad.UStride + channel;
            T* toZ = _in.Z == null || _grad.Z == null ? null : _grad.Z + row * _grad.ZStride + channel;
            long deltaStep = direction * _grad.DeltaStride, uStep = direction * _grad.UStride, zStep = direction * _grad.ZStride;
            for (int at = 0; at < steps * V.Count; at += V.Count)
            {
                V u = V.Load(us + at), dy = V.Load(gradY + at), input = V.Load(gradInputs + at);
                V delta = V.MultiplyAdd(V.Load(gradSteps + at), ln2, input * u);
                if (softplus)
                {
                    delta *= V.Load(slopes + at);
                }

                sumD = V.MultiplyAdd(dy, u, sumD);
                sumBias += delta;
                if (toDelta != null)
                {
                    ScanBlock<V, T>.Store(delta, toDelta, channels);
                    toDelta += deltaStep;
                }

                if (toU != null)
                {
                    ScanBlock<V, T>.Store(V.MultiplyAdd(input, V.Load(dt + at), skip * dy), toU, channels);
                    toU += uStep;
                }

                if (toZ != null)
                {
                    ScanBlock<V, T>.Store(V.Load(gradZ + at) * V.Load(y + at), toZ, channels);
                    toZ += zStep;
                }
            }

            sumD.Store(gradD + j * V.Count);
            sumBias.Store(gradBias + j * V.Count);
        }
    }

    /// <summary>
    /// L in pieces: every piece but the first sends a carry into the one before it. Each is computed from a zero carry, then they
    /// are joined from the end: carry_start = local + 2^(A' sum dt) carry_end.
    /// </summary>
    private void JoinCarries(int threads)
    {
        int blocks = _plan.Blocks, segments = _plan.Segments, later = segments - 1;
        int batches = checked((int)_shape.Batch);
        _carries = _workspace.Allocate<T>((long)batches * segments * blocks * _blockElements);
        T* sums = _workspace.Allocate<T>((long)batches * later * blocks * V.Count, zeroed: true);
        var scratch = new Scratch[threads];
        KernelParallel.For(checked(batches * later * blocks), threads, (task, worker) =>
        {
            scratch[worker].Prepare(this);
            long batch = task / (later * blocks);
            int segment = 1 + task / blocks % later, block = task % blocks;
            T* carry = _carries + ((batch * segments + segment - 1) * blocks + block) * (long)_blockElements;
            if (segment == segments - 1)
            {
                LoadLastState(batch, block, block + 1, carry);
            }
            else
            {
                new Span<T>(carry, _blockElements).Clear();
            }

            CarryBack(batch, segment, block, scratch[worker], carry, sums + task * (long)V.Count);
        });

        for (int batch = 0; batch < batches; batch++)
        {
            var rows = new ScanRows(_shape, _plan, batch);
            for (int segment = segments - 2; segment >= 1; segment--)
            {
                if (ScanChunk<V, T>.AnyBegins(_in.SequenceIndex, rows, _plan.SegmentStart(segment), _plan.SegmentStart(segment + 1)))
                {
                    continue;
                }

                for (int block = 0; block < blocks; block++)
                {
                    T* sum = sums + (((long)batch * later + segment - 1) * blocks + block) * V.Count;
                    T* atStart = _carries + (((long)batch * segments + segment - 1) * blocks + block) * _blockElements;
                    T* atEnd = atStart + (long)blocks * _blockElements;
                    T* decay = _a + (long)block * _blockElements;
                    for (int n = 0; n < _blockElements; n += V.Count)
                    {
                        V whole = VectorMath.Exp2<V, T>(V.Load(sum) * V.Load(decay + n));
                        V.MultiplyAdd(whole, V.Load(atEnd + n), V.Load(atStart + n)).Store(atStart + n);
                    }
                }
            }
        }
    }

    private void CarryBack(long batch, int segment, int block, in Scratch scratch, T* carry, T* sumOfSteps)
    {
        var rows = new ScanRows(_shape, _plan, batch);
        long from = _plan.SegmentStart(segment);
        long to = segment == _plan.Segments - 1 ? _plan.LengthOf(batch) : _plan.SegmentStart(segment + 1);
        int* starts = stackalloc int[_chunk];
        long cStep = rows.Direction * _in.CStride;
        V sum = V.Zero;
        for (long start = from + (to - from - 1) / _chunk * _chunk; start >= from; start -= _chunk)
        {
            int steps = (int)Math.Min(_chunk, to - start);
            int sequences = ScanChunk<V, T>.Sequences(_in.SequenceIndex, rows, start, steps, starts, out bool continues);
            Discretize(rows, start, steps, block, 1, scratch);
            for (int t = 0; t < steps; t++)
            {
                sum += V.Load(scratch.Steps + t * V.Count);
            }

            T* c = _shape.PerPositionC ? _in.C + rows.Row(start) * _in.CStride + block / _plan.BlocksPerGroup * _shape.States : _c + (long)block * _blockElements;
            for (int n = 0; n < _shape.States; n++)
            {
                int at = n * V.Count;
                for (int sequence = sequences - 1; sequence >= 0; sequence--)
                {
                    int first = starts[sequence], end = sequence + 1 < sequences ? starts[sequence + 1] : steps;
                    _sweep.CarryOnly(
                        scratch.Steps, scratch.GradY, _a + (long)block * _blockElements + at, carry + at,
                        c + (_shape.PerPositionC ? n : at), cStep, first, end, sequence > 0 || !continues);
                }
            }
        }

        sum.Store(sumOfSteps);
    }

    /// <summary>What one thread needs.</summary>
    private struct Scratch
    {
        public T* Steps;
        public T* Inputs;
        public T* Slopes;
        public T* U;
        public T* Y;
        public T* GradY;
        public T* GradZ;
        public T* GradInputs;
        public T* GradSteps;
        public T* Kept;
        public T* Decays;
        public T* GradStates;
        public T* GradB;
        public T* GradC;
        public T* Carry;
        public bool* Bounded;

        public void Prepare(SelectiveScanBackward<V, T> scan)
        {
            if (Steps != null)
            {
                return;
            }

            Workspace workspace = scan._workspace;
            long strip = (long)scan._strip * scan._chunk * V.Count, pair = 2L * (scan._chunk + 1) * V.Count;
            Steps = workspace.Allocate<T>(strip);
            Inputs = workspace.Allocate<T>(strip);
            Slopes = workspace.Allocate<T>(strip);
            U = workspace.Allocate<T>(strip);
            Y = workspace.Allocate<T>(strip);
            GradY = workspace.Allocate<T>(strip);
            GradZ = workspace.Allocate<T>(strip);
            GradInputs = workspace.Allocate<T>(strip);
            GradSteps = workspace.Allocate<T>(strip);
            Kept = workspace.Allocate<T>(pair);
            Decays = workspace.Allocate<T>(pair);
            GradStates = scan._shape.ReturnStates ? workspace.Allocate<T>(pair) : null;
            long part = (long)scan._chunk * scan._blockElements;
            GradB = scan._shape.PerPositionB ? workspace.Allocate<T>(part) : null;
            GradC = scan._shape.PerPositionC && !scan._shape.ReturnStates ? workspace.Allocate<T>(part) : null;
            Bounded = workspace.Allocate<bool>(scan._strip);
            Carry = workspace.Allocate<T>((long)scan._plan.BlocksPerGroup * scan._blockElements);
        }
    }
}
