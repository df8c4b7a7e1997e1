namespace MambaExt.Cli.Commands;

/// <summary>What a command wants of a graph.</summary>
internal enum GraphUse
{
    /// <summary>Labels and splits too.</summary>
    Training,

    /// <summary>Features too, and by default the graph that a model was trained on.</summary>
    Prediction,

    /// <summary>Vertices and edges alone.</summary>
    Structure,
}
