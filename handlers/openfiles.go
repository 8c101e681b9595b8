package handlers

// filesBeside is how many of the open files are kept for everything else: pages, pushes, the database.
const filesBeside = 512

// MostStreams returns how many streams the open-file limit allows, 0 where there is none.
func MostStreams() int {
	files, ok := openFiles()
	if !ok {
		return 0
	}
	return max(files-filesBeside, files/2)
}
