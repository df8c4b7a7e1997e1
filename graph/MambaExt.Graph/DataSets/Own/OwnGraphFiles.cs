namespace MambaExt.Graph.DataSets.Own;

/// <summary>The files of a user's own graph. Text files are CSV, TSV or separated by blanks.</summary>
/// <param name="Edges">Text: two vertices a line, named by numbers or words; further columns are not used.</param>
public sealed record OwnGraphFiles(string Edges)
{
    /// <summary>Features of the vertices: text (a line a vertex), <c>.npy</c> [V, F], or <c>.npz</c> with one such array or a SciPy
    /// <c>csr</c> matrix. In text a first column headed <c>id</c>, <c>node</c>, <c>vertex</c> or <c>name</c> names the vertex, as does one
    /// without a header where vertices are words; else line i is vertex i. Null: degree alone.</summary>
    public string? Features { get; init; }

    /// <summary>Classes: text of one column (line i is vertex i) or two (vertex, class), or <c>.npy</c> [V]. An empty cell, or -1 among numbers,
    /// is no class.</summary>
    public string? Labels { get; init; }

    /// <summary>Who trains: text of one column or two with <c>train</c>, <c>valid</c>, <c>test</c> or nothing, or <c>.npz</c> with index arrays or
    /// masks of these names. Null: ten random splits.</summary>
    public string? Split { get; init; }

    /// <summary>The score that it is judged by.</summary>
    public NodeMetric Metric { get; init; } = NodeMetric.Accuracy;

    /// <summary>Whether text files begin with a line of column names.</summary>
    public HeaderLine Header { get; init; } = HeaderLine.Auto;
}
