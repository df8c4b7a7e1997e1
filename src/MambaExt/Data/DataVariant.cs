namespace MambaExt.Data;

/// <summary>How far a data set is the published one.</summary>
public enum DataVariant
{
    /// <summary>Every file has the published hash.</summary>
    Official,

    /// <summary>Some file differs from the published one: no published number may stand beside the result.</summary>
    Unofficial,

    /// <summary>The published hash of some file is not known.</summary>
    Unverified,

    /// <summary>Drawn from its definition; there are no files.</summary>
    Drawn,

    /// <summary>Files of the user's own.</summary>
    Own,
}
