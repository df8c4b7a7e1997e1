using MambaExt.Kernels;

namespace MambaExt.Data.Images;

/// <summary>Images that lie in JPEG or PNG files and are decoded when they are read.</summary>
public abstract class EncodedImages : ImageSamples
{
    private readonly IReadOnlyList<string> _names;

    /// <summary>N files.</summary>
    /// <param name="names">What each is called, [N]: its path in the data set, parts separated by slashes.</param>
    /// <param name="labels">Class of each, [N].</param>
    /// <param name="channels">3, or 1 for gray.</param>
    protected EncodedImages(IReadOnlyList<string> names, int[] labels, int channels)
        : base(channels is 1 or 3 ? channels : throw new ArgumentException($"Images of {channels} channels were asked for; files are decoded to 1 or 3."), null, labels)
    {
        ArgumentNullException.ThrowIfNull(names);
        _names = names.Count == labels.Length ? names : throw new ArgumentException($"{names.Count} names and {labels.Length} labels were given; give one of each an image.");
    }

    /// <inheritdoc/>
    public override string Name(int index) => _names[index];

    /// <inheritdoc/>
    public override ImageView Read(int index, ref byte[] scratch)
    {
        ArgumentNullException.ThrowIfNull(scratch);
        return ImageDecoder.Decode(File(index), Name(index), Channels, ref scratch);
    }

    /// <summary>Decodes every image once, so that a damaged one is found before a training and not in it.</summary>
    /// <exception cref="InvalidDataException">Some do not decode; the message names the first.</exception>
    public void Verify() => DecodeAll((_, _) => { });

    /// <summary>Decodes every image and gives it to <paramref name="take"/>, on several threads.</summary>
    internal override void DecodeAll(Action<int, ImageView> take)
    {
        var faults = new string?[Count];
        SampleParallel.For(Count, (from, to) =>
        {
            byte[] scratch = [];
            for (int i = from; i < to; i++)
            {
                try
                {
                    take(i, Read(i, ref scratch));
                }
                catch (Exception error) when (error is InvalidDataException or IOException or UnauthorizedAccessException)
                {
                    // All are looked at first: the message is the same whatever thread comes first.
                    faults[i] = error.Message;
                }
            }
        });
        int[] bad = [.. Enumerable.Range(0, Count).Where(i => faults[i] is not null)];
        if (bad.Length > 0)
        {
            throw new InvalidDataException(bad.Length == 1 ? faults[bad[0]] : $"{bad.Length} of {Count} images cannot be read, {BadFile.Quote(Name(bad[1]))} for one; the first: {faults[bad[0]]}");
        }
    }

    /// <summary>All bytes of a file.</summary>
    protected abstract byte[] File(int index);
}
