using System.Runtime.InteropServices;

namespace MambaExt.Kernels.Cuda;

/// <summary>
/// The gated mean of GatedGCN on a GPU, as <see cref="CsrGatedMean"/> defines it. All addresses are the device's; arrays of numbers have elements <c>T</c>:
/// float, double, <see cref="BFloat16"/> or <see cref="Half"/>, but divisor and share, which are float beside 16 bits (a row of few or no arcs has a tiny
/// divisor). A row's bits depend on its own arcs alone, in every run. Nothing is allocated.
/// </summary>
public static unsafe class CudaCsrGatedMean
{
    /// <summary>Every kernel that a launch can name.</summary>
    internal static IReadOnlyList<string> Instances { get; } =
    [
        .. from type in KernelTypes.Names
           from body in new[] { "MeanOf", "MeanTarget", "MeanSource" }
           from kernel in new[] { "mean_pieces", "mean_rows" }
           select $"{kernel}<{type}, {body}>",
    ];

    /// <summary>See <see cref="KernelInstances.After"/>.</summary>
    internal static IEnumerable<string> After(string kernel, string[] arguments)
    {
        if (arguments[1] != "MeanOf")
        {
            yield break;
        }

        string type = arguments[0];
        if (kernel == "mean_pieces")
        {
            yield return $"mean_rows<{type}, MeanOf>";
        }

        foreach (string body in new[] { "MeanTarget", "MeanSource" })
        {
            yield return $"mean_rows<{type}, {body}>";
            if (kernel == "mean_pieces")
            {
                yield return $"mean_pieces<{type}, {body}>";
            }
        }
    }

    /// <summary>Bytes of workspace that either pass needs; 0 where no row can be longer than a piece.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    public static long WorkspaceBytes<T>(in CudaCsrRows rows, long channels)
        where T : unmanaged => 2 * CudaCsrPlan.PieceElements(rows, channels) * KernelTypes.ParameterBytes<T>();

    /// <summary>Queues the mean.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <param name="device">Where the memory lies</param>
    /// <param name="rows">The arcs</param>
    /// <param name="target"><c>[V, C]</c></param>
    /// <param name="source"><c>[columns, C]</c></param>
    /// <param name="x"><c>[columns, C]</c></param>
    /// <param name="channels">C, 1 or more</param>
    /// <param name="y"><c>[V, C]</c>, overwritten</param>
    /// <param name="divisor"><c>[V, C]</c>, overwritten: the sum of the gates and epsilon, for the backward pass; float, or double beside double</param>
    /// <param name="workspace"><see cref="WorkspaceBytes{T}"/> bytes, aligned to 8</param>
    /// <param name="stream">A stream of the device</param>
    /// <exception cref="ArgumentException">A size or pointer that cannot be right.</exception>
    public static void Forward<T>(
        GpuDevice device, in CudaCsrRows rows, T* target, T* source, T* x, long channels, T* y, T* divisor, nint workspace, nint stream = 0)
        where T : unmanaged
    {
        Check(rows, channels, [(nint)target, (nint)y, (nint)divisor], [(nint)source, (nint)x]);
        Launch<T>(device, rows, "MeanOf", new() { Target = (nint)target, Source = (nint)source, X = (nint)x, Out = (nint)y, Divisor = (nint)divisor, Pieces = workspace }, channels, stream);
    }

    /// <summary>Queues all gradients.</summary>
    /// <typeparam name="T">float, double, <see cref="BFloat16"/> or <see cref="Half"/>.</typeparam>
    /// <param name="device">Where the memory lies</param>
    /// <param name="rows">The arcs of the forward pass</param>
    /// <param name="transposed">Their transpose</param>
    /// <param name="target"><c>[V, C]</c></param>
    /// <param name="source"><c>[columns, C]</c></param>
    /// <param name="x"><c>[columns, C]</c></param>
    /// <param name="y"><c>[V, C]</c>, what forward gave</param>
    /// <param name="share"><c>[V, C]</c>: dy / divisor, of divisor's type</param>
    /// <param name="channels">C, 1 or more</param>
    /// <param name="dtarget"><c>[V, C]</c>, overwritten</param>
    /// <param name="dsource"><c>[columns, C]</c>, overwritten</param>
    /// <param name="dx"><c>[columns, C]</c>, overwritten</param>
    /// <param name="workspace"><see cref="WorkspaceBytes{T}"/> bytes, aligned to 8</param>
    /// <param name="stream">A stream of the device</param>
    /// <exception cref="ArgumentException">A size or pointer that cannot be right.</exception>
    public static void Backward<T>(
        GpuDevice device, in CudaCsrRows rows, in CudaCsrRows transposed, T* target, T* source, T* x, T* y, T* share, long channels, T* dtarget, T* dsource, T* dx,
        nint workspace, nint stream = 0)
        where T : unmanaged
    {
        Check(rows, channels, [(nint)target, (nint)y, (nint)share, (nint)dtarget], [(nint)source, (nint)x]);
        Check(transposed, channels, [(nint)source, (nint)x, (nint)dsource, (nint)dx], [(nint)target, (nint)y, (nint)share]);
        Arguments given = new() { Target = (nint)target, Source = (nint)source, X = (nint)x, Y = (nint)y, Share = (nint)share, Pieces = workspace };
        Launch<T>(device, rows, "MeanTarget", given with { Out = (nint)dtarget }, channels, stream);
        Launch<T>(device, transposed, "MeanSource", given with { Out = (nint)dsource, Also = (nint)dx }, channels, stream);
    }

    private static void Launch<T>(GpuDevice device, in CudaCsrRows rows, string body, Arguments given, long channels, nint stream)
        where T : unmanaged
    {
        string type = KernelTypes.Name<T>();
        CudaCsrPlan plan = new(rows, channels, 1);
        plan.RequireWorkspace(given.Pieces);
        Arguments arguments = given with
        {
            Offsets = (nint)rows.Offsets,
            Columns = (nint)rows.Columns,
            Rows = rows.Rows,
            ArcCount = rows.ArcCount,
            Channels = channels,
            ColumnBlocks = plan.ColumnBlocks,
            Lanes = plan.Lanes,
        };
        if (plan.Cut)
        {
            device.Launch(KernelSource.CsrGatedMean, $"mean_pieces<{type}, {body}>", plan.Pieces, arguments, stream);
        }

        device.Launch(KernelSource.CsrGatedMean, $"mean_rows<{type}, {body}>", plan.WholeRows, arguments, stream);
    }

    private static void Check(in CudaCsrRows rows, long channels, ReadOnlySpan<nint> ofRows, ReadOnlySpan<nint> gathered)
    {
        KernelArgument.RequirePointer(rows.Offsets, "Offsets", "[V+1]");
        CsrChecks.Channels(channels);
        foreach (nint part in ofRows)
        {
            if (rows.Rows > 0)
            {
                KernelArgument.RequirePointer((void*)part, "What belongs to the rows", "[rows, C]");
            }
        }

        foreach (nint part in gathered)
        {
            CsrChecks.Arcs(rows.ArcCount, (void*)part, "What is gathered", "[columns, C]");
        }
    }

    [StructLayout(LayoutKind.Sequential)]
    private readonly record struct Arguments
    {
        public nint Offsets { get; init; }

        public nint Columns { get; init; }

        public nint Target { get; init; }

        public nint Source { get; init; }

        public nint X { get; init; }

        public nint Y { get; init; }

        public nint Share { get; init; }

        public nint Out { get; init; }

        public nint Also { get; init; }

        public nint Divisor { get; init; }

        public nint Pieces { get; init; }

        public long Rows { get; init; }

        public long ArcCount { get; init; }

        public long Channels { get; init; }

        public long ColumnBlocks { get; init; }

        public int Lanes { get; init; }

        public int Unused { get; init; }
    }
}
