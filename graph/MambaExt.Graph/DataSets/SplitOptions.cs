namespace MambaExt.Graph.DataSets;

/// <summary>How a data set is split.</summary>
public enum SplitKind
{
    /// <summary>The splits that come with it; random ones where none do.</summary>
    Own,

    /// <summary>The splits that come with it, or an error.</summary>
    Public,

    /// <summary>Ten random ones: for Planetoid 20 training vertices a class, 500 and 1,000; as large as their own for the
    /// heterophilous sets (50 / 25 / 25 %); else 60 / 20 / 20 %.</summary>
    Random,

    /// <summary>The ten of Pei et al. 2020 (Geom-GCN, arXiv 2002.05287), from their files.</summary>
    GeomGcn,
}

/// <summary>Which splits of a data set are wanted.</summary>
/// <param name="Kind">Where they come from.</param>
/// <param name="Seed">Seed of random ones.</param>
public sealed record SplitOptions(SplitKind Kind = SplitKind.Own, ulong Seed = 0)
{
    /// <summary>Random splits that are drawn.</summary>
    public const int RandomCount = 10;
}
