using System.Security.Cryptography;
using System.Text;

namespace MambaExt.Kernels.Cuda;

/// <summary>
/// A CUDA C++ source that this assembly carries, with the common part before it. It includes nothing, so that it compiles wherever a
/// compiler is, without a toolkit.
/// </summary>
public sealed class KernelSource
{
    private static readonly Lazy<string> Common = new(() => Read("common.cu"));
    private readonly Lazy<string> _text;
    private readonly Lazy<string> _hash;

    /// <param name="name">What it is called</param>
    /// <param name="files">Its parts in order</param>
    private KernelSource(string name, params string[] files)
        : this(name, () => string.Join('\n', files.Select(one => $"#line 1 \"{one}\"\n{Read(one)}")))
    {
    }

    private KernelSource(string name, Func<string> text)
    {
        Name = name;
        _text = new(() => $"#line 1 \"common.cu\"\n{Common.Value}\n{text()}");
        _hash = new(() => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(Text))));
    }

    /// <summary>The selective scan.</summary>
    public static KernelSource SelectiveScan { get; } = new(
        "selective_scan.cu", "selective_scan.cu", "selective_scan_segments.cu", "selective_scan_forward.cu",
        "selective_scan_gradients.cu", "selective_scan_sweep.cu", "selective_scan_backward.cu", "selective_scan_sums.cu");

    /// <summary>The causal depthwise convolution.</summary>
    public static KernelSource CausalConv1d { get; } = new("causal_conv1d.cu", "causal_conv1d.cu");

    /// <summary>Sparse sums over compressed rows.</summary>
    public static KernelSource CsrSum { get; } = new("csr_sum.cu", "csr.cu", "csr_sum.cu");

    /// <summary>Numbers that belong to arcs: from rows to arcs, sums of rows, softmax over them.</summary>
    public static KernelSource CsrSegments { get; } = new("csr_segments.cu", "csr.cu", "csr_rows.cu", "csr_segments.cu");

    /// <summary>The gated mean of GatedGCN.</summary>
    public static KernelSource CsrGatedMean { get; } = new("csr_gated_mean.cu", "csr.cu", "csr_rows.cu", "csr_gated_mean.cu");

    /// <summary>The Mamba-2 recurrence in chunks.</summary>
    public static KernelSource StateSpaceDuality { get; } = new(
        "state_space_duality.cu",
        "state_space_duality.cu", "state_space_duality_products.cu", "state_space_duality_steps.cu", "state_space_duality_forward.cu", "state_space_duality_backward.cu");

    /// <summary>Every source.</summary>
    public static IReadOnlyList<KernelSource> All { get; } = [SelectiveScan, CausalConv1d, CsrSum, CsrSegments, CsrGatedMean, StateSpaceDuality];

    /// <summary>File name, <c>selective_scan.cu</c>.</summary>
    public string Name { get; }

    /// <summary>The whole text, common part first. Line numbers of messages are those of the files.</summary>
    public string Text => _text.Value;

    /// <summary>SHA-256 of the text, hexadecimal.</summary>
    public string Hash => _hash.Value;

    /// <summary>A source that this assembly does not carry; the common part comes first as in every other.</summary>
    internal static KernelSource FromText(string name, string text) => new(name, () => $"#line 1 \"{name}\"\n{text}");

    private static string Read(string name)
    {
        using Stream stream = typeof(KernelSource).Assembly.GetManifestResourceStream($"MambaExt.Kernels.Cuda.Sources.{name}")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
