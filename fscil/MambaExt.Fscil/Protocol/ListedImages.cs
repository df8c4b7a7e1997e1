using System.Globalization;
using MambaExt.Data.Images;

namespace MambaExt.Fscil.Protocol;

/// <summary>The images that lists of a protocol speak of, by their number or by their path.</summary>
public sealed class ListedImages
{
    private readonly ImageSamples _images;
    private readonly IReadOnlyList<string> _classNames;
    private readonly Dictionary<string, int>? _byName;

    /// <summary>Wraps images.</summary>
    /// <param name="images">With their labels</param>
    /// <param name="classNames">Name of each label</param>
    /// <param name="byName">Lists hold paths, which are the images' names; else numbers from 0</param>
    public ListedImages(ImageSamples images, IReadOnlyList<string> classNames, bool byName)
    {
        (_images, _classNames) = (images, classNames);
        if (byName)
        {
            _byName = new Dictionary<string, int>(images.Count, StringComparer.Ordinal);
            for (int i = 0; i < images.Count; i++)
            {
                _byName.TryAdd(images.Name(i), i);
            }
        }
    }

    /// <summary>What a line may be, for messages.</summary>
    internal string Allowed => _byName is null ? $"a number from 0 to {_images.Count - 1}" : $"the path of one of the {_images.Count} images, {_images.Name(0)} say";

    /// <summary>The image of a line, or null.</summary>
    public int? Find(string line) => _byName is not null
        ? (_byName.TryGetValue(line, out int named) ? named : null)
        : int.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < _images.Count ? number : null;

    /// <summary>What a list calls an image.</summary>
    public string NameOf(int index) => _byName is null ? index.ToString(CultureInfo.InvariantCulture) : _images.Name(index);

    /// <summary>Whether these are the images of <paramref name="other"/>, so that a number means the same image.</summary>
    internal bool SameAs(ListedImages other) => ReferenceEquals(_images, other._images);

    /// <summary>Label of an image.</summary>
    public int LabelOf(int index) => _images.Labels[index];

    /// <summary>Name of a label.</summary>
    public string ClassName(int label) => _classNames[label];
}
