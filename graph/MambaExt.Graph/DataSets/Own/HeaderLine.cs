namespace MambaExt.Graph.DataSets.Own;

/// <summary>Whether the first line of a text file holds names of columns.</summary>
public enum HeaderLine
{
    /// <summary>Where it looks like it: usual names of columns, or words over numbers.</summary>
    Auto,

    /// <summary>It does.</summary>
    Yes,

    /// <summary>It does not.</summary>
    No,
}
