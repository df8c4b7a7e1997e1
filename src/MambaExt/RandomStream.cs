namespace MambaExt;

/// <summary>What a number of <see cref="CounterRandom"/> is for: two purposes under one seed never share a number.</summary>
public enum RandomStream
{
    /// <summary>Steps of walks.</summary>
    Walks = 0,

    /// <summary>Noise of vertex orders.</summary>
    Orders = 1,

    /// <summary>Where the mines lie.</summary>
    Mines = 2,

    /// <summary>Which vertices hide their count.</summary>
    Unknown = 3,

    /// <summary>Random splits.</summary>
    Splits = 4,

    /// <summary>Order of the samples of an epoch.</summary>
    Batches = 5,

    /// <summary>Tokens that a language model draws.</summary>
    Tokens = 8,

    /// <summary>Where eigenvectors are looked for from, and walks that estimate how often walks return.</summary>
    Encodings = 9,

    /// <summary>Views of images: crops, flips, colours.</summary>
    Augmentation = 16,

    /// <summary>Which image a view is mixed with, and how.</summary>
    Mixing = 17,

    /// <summary>Which features of a batch are mixed.</summary>
    FeatureMixing = 18,
}
