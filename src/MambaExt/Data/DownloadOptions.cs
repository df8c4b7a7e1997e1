namespace MambaExt.Data;

/// <summary>How patiently <see cref="FileDownload"/> fetches a file.</summary>
public sealed record DownloadOptions
{
    /// <summary>Attempts in a row that may fail without a single new byte; 1 or more.</summary>
    public int Attempts { get; init; } = 4;

    /// <summary>Pause before the second attempt; it doubles with each further one.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a server may stay silent before the attempt counts as failed.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Most bytes of a file whose length is not known beforehand: 8 GiB.</summary>
    public long Limit { get; init; } = 8L << 30;
}
