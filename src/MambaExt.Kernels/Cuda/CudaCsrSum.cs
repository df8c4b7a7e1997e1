using System.Runtime.InteropServices;

namespace MambaExt.Kernels.Cuda;

/// <summary>
/// Sums over the arcs of a graph on a GPU, as <see cref="CsrSum"/> defines them. All addresses are the device's, and every array of numbers
/// has elements <c>T</c>: float, double, <see cref="BFloat16"/> or <see cref="Half"/>; sums are float beside 16-bit elements.
/// A row of more than 512 arcs is summed in pieces of 512 from its beginning: its bits depend on its own arcs alone, in every run.
/// The gradient of x is the same sum over the transpose. Nothing is allocated.
/// </summary>
public static unsafe class CudaCsrSum
{
    /// <summary>Every kernel that a launch can name.</summary>
    internal static IReadOnlyList<string> Instances { get; } =
    [
        .. from kernel in new[] { "csr_pieces", "csr_rows" }
           from type in KernelTypes.Names
           from kind in Enum.GetValues<Factor>()
           from each in new[] { 1, 4 }
           select SumInstance(kernel, type, kind, each),
        .. from kernel in new[] { "csr_weight_gradient", "csr_gate_gradient" }
           from type in KernelTypes.Names
           select $"{kernel}<{type}>",
    ];

    /// <summary>See <see cref="KernelInstances.After"/>. The gradient of x is the sum itself.</summary>
    internal static IEnumerable<string> After(string kernel, string[] arguments)
    {
        if (kernel == "csr_pieces")
        {
            yield return $"csr_rows<{string.Join(", ", arguments)}>";
        }

        if (kernel is "csr_pieces" or "csr_rows" && arguments[1] != nameof(Factor.Plain))
        {
            yield return arguments[1] == nameof(Factor.Gated) ? $"csr_gate_gradient<{arguments[0]}>" : $"csr_weight_gradient<{arguments[0]}>";
        }
    }

    private enum Factor
    {
        Plain,
        Weighted,
        Headed,
        Gated,
    }

    /// <summary>Bytes of workspace that a sum over these rows needs; 0 where no row can be longer than a piece.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    public static long WorkspaceBytes<T>(in CudaCsrRows rows, long channels)
        where T : unmanaged => CudaCsrPlan.PieceElements(rows, channels) * KernelTypes.ParameterBytes<T>();

    /// <summary>Queues y[v] = sum of x over the arcs of v. Also the gradient: dx = sum of dy over the transpose.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <param name="device">Where the memory lies</param>
    /// <param name="rows">The arcs</param>
    /// <param name="x"><c>[columns, C]</c></param>
    /// <param name="channels">C, 1 or more</param>
    /// <param name="y"><c>[V, C]</c>, overwritten; it may not overlap x</param>
    /// <param name="workspace"><see cref="WorkspaceBytes{T}"/> bytes, aligned to 8</param>
    /// <param name="stream">A stream of the device</param>
    /// <exception cref="ArgumentException">A size or pointer that cannot be right.</exception>
    public static void Plain<T>(GpuDevice device, in CudaCsrRows rows, T* x, long channels, T* y, nint workspace, nint stream = 0)
        where T : unmanaged => Sum(device, rows, x, channels, Factor.Plain, null, y, workspace, stream);

    /// <summary>Queues y[v] = sum of weights[e] x[Columns[e]] over the arcs e of v. Also the gradient, over the transpose. With several heads the channels are
    /// that many groups of neighbours, each with weights of its own, as in graph attention.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <param name="device">Where the memory lies</param>
    /// <param name="rows">The arcs</param>
    /// <param name="x"><c>[columns, C]</c></param>
    /// <param name="channels">C, 1 or more</param>
    /// <param name="weights"><c>[E, heads]</c>, in the order of the original arcs</param>
    /// <param name="y"><c>[V, C]</c>, overwritten; it may not overlap x</param>
    /// <param name="workspace"><see cref="WorkspaceBytes{T}"/> bytes, aligned to 8</param>
    /// <param name="stream">A stream of the device</param>
    /// <param name="heads">1, or a divisor of C</param>
    /// <exception cref="ArgumentException">A size or pointer that cannot be right.</exception>
    public static void Weighted<T>(GpuDevice device, in CudaCsrRows rows, T* x, long channels, T* weights, T* y, nint workspace, nint stream = 0, long heads = 1)
        where T : unmanaged
    {
        CsrChecks.Arcs(rows.ArcCount, weights, "Weights", "[E, heads]");
        CsrChecks.Heads(channels, heads);
        Sum(device, rows, x, channels, heads == 1 ? Factor.Weighted : Factor.Headed, weights, y, workspace, stream, heads);
    }

    /// <summary>Queues y[v] = sum of gates[e, :] x[Columns[e], :] over the arcs e of v. Also the gradient, over the transpose.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <param name="device">Where the memory lies</param>
    /// <param name="rows">The arcs</param>
    /// <param name="x"><c>[columns, C]</c></param>
    /// <param name="channels">C, 1 or more</param>
    /// <param name="gates"><c>[E, C]</c>, in the order of the original arcs</param>
    /// <param name="y"><c>[V, C]</c>, overwritten; it may not overlap x</param>
    /// <param name="workspace"><see cref="WorkspaceBytes{T}"/> bytes, aligned to 8</param>
    /// <param name="stream">A stream of the device</param>
    /// <exception cref="ArgumentException">A size or pointer that cannot be right.</exception>
    public static void Gated<T>(GpuDevice device, in CudaCsrRows rows, T* x, long channels, T* gates, T* y, nint workspace, nint stream = 0)
        where T : unmanaged
    {
        CsrChecks.Arcs(rows.ArcCount, gates, "Gates", "[E, C]");
        Sum(device, rows, x, channels, Factor.Gated, gates, y, workspace, stream);
    }

    /// <summary>Queues the gradient of the weights: dweights[e, h] = dot(dy[v], x[Columns[e]]) over the channels of head h, for the arcs e of v.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <param name="device">Where the memory lies</param>
    /// <param name="rows">The arcs of the forward sum</param>
    /// <param name="x"><c>[columns, C]</c></param>
    /// <param name="dy"><c>[V, C]</c></param>
    /// <param name="channels">C, 1 or more</param>
    /// <param name="dweights"><c>[E, heads]</c>, overwritten</param>
    /// <param name="stream">A stream of the device</param>
    /// <param name="heads">1, or a divisor of C</param>
    /// <exception cref="ArgumentException">A size or pointer that cannot be right.</exception>
    public static void WeightGradient<T>(GpuDevice device, in CudaCsrRows rows, T* x, T* dy, long channels, T* dweights, nint stream = 0, long heads = 1)
        where T : unmanaged
    {
        CsrChecks.Arcs(rows.ArcCount, dweights, "Dweights", "[E, heads]");
        CsrChecks.Heads(channels, heads);
        ArcGradient(device, "csr_weight_gradient", rows, x, dy, channels, dweights, stream, heads);
    }

    /// <summary>Queues the gradient of the gates: dgates[e, :] = dy[v, :] x[Columns[e], :] for the arcs e of v.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <param name="device">Where the memory lies</param>
    /// <param name="rows">The arcs of the forward sum</param>
    /// <param name="x"><c>[columns, C]</c></param>
    /// <param name="dy"><c>[V, C]</c></param>
    /// <param name="channels">C, 1 or more</param>
    /// <param name="dgates"><c>[E, C]</c>, overwritten</param>
    /// <param name="stream">A stream of the device</param>
    /// <exception cref="ArgumentException">A size or pointer that cannot be right.</exception>
    public static void GateGradient<T>(GpuDevice device, in CudaCsrRows rows, T* x, T* dy, long channels, T* dgates, nint stream = 0)
        where T : unmanaged
    {
        CsrChecks.Arcs(rows.ArcCount, dgates, "Dgates", "[E, C]");
        ArcGradient(device, "csr_gate_gradient", rows, x, dy, channels, dgates, stream);
    }

    private static void Sum<T>(
        GpuDevice device, in CudaCsrRows rows, T* x, long channels, Factor kind, T* factors, T* y, nint workspace, nint stream, long heads = 1)
        where T : unmanaged
    {
        string type = KernelTypes.Name<T>();
        Check(rows, x, y, channels);
        CudaCsrPlan plan = new(rows, channels, channels <= 32 ? 1 : 4);
        plan.RequireWorkspace(workspace);
        var arguments = new SumArguments(
            (nint)rows.Offsets, (nint)rows.Columns, (nint)rows.Arcs, (nint)x, (nint)factors, (nint)y, workspace,
            rows.Rows, rows.ArcCount, channels, plan.ColumnBlocks, plan.Lanes, heads);
        if (plan.Cut)
        {
            device.Launch(KernelSource.CsrSum, SumInstance("csr_pieces", type, kind, plan.Each), plan.Pieces, arguments, stream);
        }

        device.Launch(KernelSource.CsrSum, SumInstance("csr_rows", type, kind, plan.Each), plan.WholeRows, arguments, stream);
    }

    private static void ArcGradient<T>(
        GpuDevice device, string kernel, in CudaCsrRows rows, T* x, T* dy, long channels, T* gradient, nint stream, long heads = 1)
        where T : unmanaged
    {
        string type = KernelTypes.Name<T>();
        Check(rows, x, dy, channels);
        CudaCsrPlan plan = new(rows, channels / heads, 1);
        device.Launch(
            KernelSource.CsrSum,
            $"{kernel}<{type}>",
            plan.Arcs,
            new ArcArguments(
                (nint)rows.Offsets, (nint)rows.Columns, (nint)rows.Arcs, (nint)x, (nint)dy, (nint)gradient,
                rows.Rows, rows.ArcCount, channels, heads, plan.Lanes, CudaCsrPlan.GroupArcs),
            stream);
    }

    private static void Check<T>(in CudaCsrRows rows, T* x, T* y, long channels)
        where T : unmanaged
    {
        KernelArgument.RequirePointer(rows.Offsets, "Offsets", "[V+1]");
        CsrChecks.Channels(channels);
        CsrChecks.Rows(rows.Rows, rows.ArcCount, x, y);
    }

    private static string SumInstance(string kernel, string type, Factor kind, int each) => $"{kernel}<{type}, {kind}, {each}>";

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct SumArguments(
        nint Offsets, nint Columns, nint Arcs, nint X, nint Factors, nint Y, nint Pieces,
        long Rows, long ArcCount, long Channels, long ColumnBlocks, long Lanes, long Heads);

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct ArcArguments(
        nint Offsets, nint Columns, nint Arcs, nint X, nint DY, nint Gradient, long Rows, long ArcCount, long Channels, long Heads, int Lanes, int GroupArcs);
}
