DROP TABLE greylist;
