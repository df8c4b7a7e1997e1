namespace MambaExt.Graph.DataSets;

/// <summary>What a data set asks to be classified.</summary>
public enum GraphTask
{
    /// <summary>The vertices of one graph.</summary>
    Vertices,

    /// <summary>Whole graphs.</summary>
    Graphs,
}
