namespace MambaExt.Distill.Students;

/// <summary>In which order the scans of a student read the patches of an image.</summary>
public static class ScanKind
{
    /// <summary>Row by row, one scan.</summary>
    public const string Forward = "forward";

    /// <summary>Row by row from both ends, a Mamba block each, summed (Zhu et al., "Vision Mamba", arXiv 2401.09417).</summary>
    public const string Bidirectional = "bidirectional";

    /// <summary>Rows and columns, each from both ends (Liu et al., "VMamba", arXiv 2401.10166): a Mamba block each, summed.</summary>
    public const string Cross = "cross";

    /// <summary>All of them.</summary>
    public static IReadOnlyList<string> All { get; } = [Forward, Bidirectional, Cross];

    /// <summary>Mamba blocks of a layer.</summary>
    public static int Directions(string scan) => scan switch { Forward => 1, Bidirectional => 2, _ => 4 };
}
