using System.Numerics;

namespace MambaExt.Kernels.Cpu;

/// <summary>B and C as the loops of one block over one chunk read them: where step 0 lies, and elements between two steps.</summary>
internal unsafe struct ScanSelections<V, T>
    where V : unmanaged, IVector<V, T>
    where T : unmanaged, IFloatingPointIeee754<T>
{
    public T* B;
    public T* C;
    public long BStep;
    public long CStep;
    private int _group;

    /// <summary>Points to the rows of a chunk, or to the block's constants.</summary>
    /// <param name="rows">Where the positions lie</param>
    /// <param name="start">First position of the chunk</param>
    /// <param name="steps">Positions of the chunk</param>
    /// <param name="shape">Sizes</param>
    /// <param name="plan">How the scan is cut</param>
    /// <param name="inputs">Where B and C lie</param>
    /// <param name="constantB">[blocks, vectors, lanes], or null</param>
    /// <param name="constantC">As constantB</param>
    /// <param name="block">The block</param>
    /// <param name="wideB">[chunk, vectors, lanes], where rows of N that fill no whole vectors are copied to; null if there are none</param>
    /// <param name="wideC">As wideB</param>
    public void PointTo(
        in ScanRows rows, long start, int steps, in SelectiveScanShape shape, in ScanPlan plan, in SelectiveScanInputs<T> inputs,
        T* constantB, T* constantC, int block, T* wideB, T* wideC)
    {
        int group = block / plan.BlocksPerGroup;
        bool known = _group == group + 1;
        _group = group + 1;
        Point(shape.PerPositionB, inputs.B, inputs.BStride, constantB, wideB, ref B, ref BStep, rows, shape.States, plan);
        Point(shape.PerPositionC && inputs.C != null, inputs.C, inputs.CStride, constantC, wideC, ref C, ref CStep, rows, shape.States, plan);

        void Point(bool perPosition, T* source, long stride, T* constant, T* wide, ref T* to, ref long step, in ScanRows r, int states, in ScanPlan p)
        {
            if (!perPosition)
            {
                to = constant == null ? null : constant + (long)block * p.BlockElements;
                step = 0;
            }
            else if (wide == null || !known)
            {
                to = source + r.Row(start) * stride + (long)group * states;
                step = r.Direction * stride;
                if (wide != null)
                {
                    to = ScanBlock<V, T>.Widen(to, ref step, states, steps, wide);
                }
            }
        }
    }
}
