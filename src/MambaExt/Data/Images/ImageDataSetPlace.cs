namespace MambaExt.Data.Images;

/// <summary>Where the files of an image data set lie.</summary>
/// <param name="Info">The data set.</param>
/// <param name="Folders">Folders that hold it; more than one is an error to whoever wants to read it.</param>
/// <param name="Files">Names of the layout that was found, else of the first; none where folders of images are looked for.</param>
/// <param name="IsCarried">The library carries it: nothing has to be there.</param>
public sealed record ImageDataSetPlace(ImageDataSetInfo Info, IReadOnlyList<string> Folders, IReadOnlyList<string> Files, bool IsCarried)
{
    /// <summary>True where it can be read.</summary>
    public bool IsPresent => IsCarried || Folders.Count == 1;

    /// <summary>The files themselves.</summary>
    public DataFiles DataFiles => new(Info.Name, Info.Published, Folders, Files);
}
